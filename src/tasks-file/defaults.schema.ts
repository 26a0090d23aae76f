import { z } from 'zod';

/** What the tasks of a file, and their sub-tasks over HTTP, have unless they say something else. */
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

/** Some members of an object, each by itself: what fits together only the whole can say. */
function without({ shape }: z.ZodObject, names: readonly string[]): z.ZodObject {
  return z.strictObject(Object.fromEntries(Object.entries(shape).filter(([name]) => !names.includes(name))));
}
