import type { Type } from '@nestjs/common';
import { SubTask } from '../../src/tasks/sub-task.js';
import type { SubTaskContext, SubTaskOptions } from '../../src/core/sub-task.js';
import { Task, type LaterSubTask, type TaskOptions } from '../../src/tasks/task.js';

export interface InlineSubTask extends Omit<SubTaskOptions, 'name'>, Omit<LaterSubTask, 'subTask'> {
  readonly run: (input: unknown, context: SubTaskContext) => unknown;
}

/** The classes of a task whose sub-tasks are written where they are used; list them as the providers of a module. */
export function inlineTask(
  name: string,
  subTasks: Readonly<Record<string, InlineSubTask>>,
  options: Omit<TaskOptions, 'name' | 'subTasks'> = {},
): Type[] {
  const classes = Object.entries(subTasks).map(
    ([subTask, { run, start: _, when: __, shadow: ___, ...rest }]) => {
      @SubTask({ name: subTask, ...rest })
      class InlineSubTaskClass {
        readonly run = run;
      }
      return InlineSubTaskClass;
    },
  );
  const clauses = Object.values(subTasks).map(({ start, when, shadow }) => {
    return { ...(start && { start }), ...(when && { when }), ...(shadow && { shadow }) };
  });
  const listed = classes.map((subTask, index) => ({ subTask, ...clauses[index] }));
  @Task({ name, subTasks: listed, ...options })
  class InlineTaskClass {}
  return [InlineTaskClass, ...classes];
}
