import { Measures } from '../../src/core/measures.js';
import { TaskStatistics } from '../../src/stats/task-statistics.js';
import type { ReplyPolicy } from '../../src/core/policies.js';
import type { TaskRegistry } from '../../src/tasks/task-registry.js';
import type { TaskDefinition } from '../../src/core/task.js';

/** What statistics need to know of the task `task`. */
export function definition(
  reply: ReplyPolicy = { policy: 'first-success' },
  subTasks: readonly string[] = ['a', 'b'],
  more: Pick<Partial<TaskDefinition>, 'order' | 'streams' | 'shadows'> = {},
): TaskDefinition {
  const parts = { name: 'task', reply, subTasks: subTasks.map((name) => ({ name })), ...more };
  return parts as Partial<Record<keyof TaskDefinition, unknown>> as TaskDefinition;
}

/** The statistics of a service that has no task but this one. */
export function statisticsOf(
  task: TaskDefinition = definition(),
  measures: Measures = new Measures(),
): TaskStatistics {
  const find = (name: string) => (name === task.name ? task : undefined);
  return new TaskStatistics({ find } as Partial<TaskRegistry> as TaskRegistry, measures);
}
