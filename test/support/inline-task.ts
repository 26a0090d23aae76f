import type { Type } from '@nestjs/common';
import type { StartRule } from '../../src/core/start-rule.js';
import { SubTask } from '../../src/tasks/sub-task.js';
import type { SubTaskContext, SubTaskOptions } from '../../src/core/sub-task.js';
import { Task, type TaskOptions } from '../../src/tasks/task.js';

export interface InlineSubTask extends Omit<SubTaskOptions, 'name'> {
  /** Default `at-once`. */
  readonly start?: StartRule;
  readonly run: (input: unknown, context: SubTaskContext) => unknown;
}

/** The classes of a task whose sub-tasks are written where they are used; list them as the providers of a module. */
export function inlineTask(
  name: string,
  subTasks: Readonly<Record<string, InlineSubTask>>,
  options: Omit<TaskOptions, 'name' | 'subTasks'> = {},
): Type[] {
  const classes = Object.entries(subTasks).map(([subTask, { run, start: _, ...rest }]) => {
    @SubTask({ name: subTask, ...rest })
    class InlineSubTaskClass {
      readonly run = run;
    }
    return InlineSubTaskClass;
  });
  const starts = Object.values(subTasks).map(({ start }) => start);
  const listed = classes.map((subTask, index) => {
    const start = starts[index];
    return start ? { subTask, start } : subTask;
  });
  @Task({ name, subTasks: listed, ...options })
  class InlineTaskClass {}
  return [InlineTaskClass, ...classes];
}
