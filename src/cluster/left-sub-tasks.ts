import type { RunRecord } from '../core/run-record.js';
import type { TaskDefinition } from '../core/task.js';
import type { PlacedSubTask } from '../run/sharing.js';

/** Whether a task declares all unfinished sub-tasks of a run. */
export function knowsUnfinished(
  task: TaskDefinition | undefined,
  { subTasks }: Readonly<RunRecord>,
): boolean {
  return subTasks.every(
    ({ name, finishedAt }) => finishedAt !== null || task?.subTasks.some((known) => known.name === name),
  );
}

/**
 * The unfinished sub-tasks of an orphaned run that any node may take on.
 *
 * @param task the task as this node declares it; undefined when it doesn't
 * @param already the sub-tasks that are placed already
 * @param all whether to include sub-tasks that are held or that this node doesn't know, because none will begin any more
 * @param now time of the database's clock, in milliseconds since 1970
 */
export function subTasksToSend(
  task: TaskDefinition | undefined,
  run: Readonly<RunRecord>,
  already: readonly string[],
  all: boolean,
  now: number,
): PlacedSubTask[] {
  return run.subTasks.flatMap(({ name, status, attempts, finishedAt, retryAt, retryDelayMs }) => {
    if (finishedAt !== null || already.includes(name)) return [];
    const at = task?.subTasks.findIndex((subTask) => subTask.name === name) ?? -1;
    if (!all && status === 'pending' && task?.starts[at] !== 'at-once') return [];
    // The node that executes the run decides whether such a sub-task begins at all.
    const depends = [task?.conditions, task?.shadows].some((clauses) => clauses?.has(name));
    if (!all && attempts === 0 && depends) return [];
    // Only the node that executes the run records chunks.
    if (!all && task?.subTasks[at]?.stream) return [];
    const worker = task?.subTasks[at]?.placement === 'worker';
    const leftMs = retryAt === null ? 0 : Date.parse(retryAt) - now;
    // At most the original delay, in case the clock of the former node was wrong.
    const delayMs = Math.min(Math.max(0, leftMs), retryDelayMs);
    return [{ runId: run.id, task: run.task, subTask: name, attempts, worker, delayMs }];
  });
}
