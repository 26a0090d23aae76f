import { z } from 'zod';

/** The defaults of a file for its tasks, and for their sub-tasks over HTTP. */
export function defaultsSchema(task: z.ZodObject, httpSubTask: z.ZodObject) {
  return z
    .strictObject({
      task: without(task, ['subTasks'])
        .meta({
          description: 'Members that each task has unless it has its own.',
          examples: [{ losers: 'cancel' }],
        })
        .optional(),
      http: without(httpSubTask, ['kind', 'name', 'url', 'start', 'when', 'shadow'])
        .meta({
          description:
            'Members that each sub-task of `kind: http` has unless it has its own; of `headers` and `retry` each member counts by itself.',
          examples: [{ timeout: '2s', retry: { attempts: 3 } }],
        })
        .optional(),
    })
    .meta({ id: 'Defaults', description: 'What the tasks and sub-tasks of this file have in common.' });
}

/**
 * An object's schema without some members. Its members are checked one by one: only the whole object can be checked for members that
 * don't fit together.
 */
function without({ shape }: z.ZodObject, names: readonly string[]): z.ZodObject {
  return z.strictObject(Object.fromEntries(Object.entries(shape).filter(([name]) => !names.includes(name))));
}
