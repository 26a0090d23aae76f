import type { SubTaskRun } from './sub-task-run.js';

/** Ends sub-tasks. Those that wait for a slot go first: else the slots that the others give back would begin them. */
export function endEach(subTasks: readonly SubTaskRun[], end: (subTask: SubTaskRun) => void): void {
  for (const subTask of subTasks)
    if (subTask.phase === 'waiting' || subTask.phase === 'leaving') end(subTask);
  for (const subTask of subTasks) end(subTask);
}
