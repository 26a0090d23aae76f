import type { SubTaskRun } from './sub-task-run.js';

/** Ends sub-tasks, first those that wait for a slot: otherwise they would begin in the slots that the others give back. */
export function endEach(subTasks: readonly SubTaskRun[], end: (subTask: SubTaskRun) => void): void {
  for (const subTask of subTasks)
    if (subTask.phase === 'waiting' || subTask.phase === 'leaving') end(subTask);
  for (const subTask of subTasks) end(subTask);
}
