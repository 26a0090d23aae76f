import type { RunRecord } from '../core/run-record.js';
import type { TaskDefinition } from '../core/task.js';
import type { PlacedSubTask } from '../run/sharing.js';

/** Whether a task declares all that is unfinished of a run. */
export function knowsUnfinished(
  task: TaskDefinition | undefined,
  { subTasks }: Readonly<RunRecord>,
): boolean {
  return subTasks.every(
    ({ name, finishedAt }) => finishedAt !== null || task?.subTasks.some((known) => known.name === name),
  );
}

/**
 * The unfinished sub-tasks of a run whose node is gone that any node may take on.
 *
 * @param task as this node declares it, where it does
 * @param already those that are placed
 * @param all whether also those that are held, or that this node doesn't know: none of them begins any more
 * @param now on the clock of all nodes, in milliseconds since 1970
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
    // Whether it begins at all is for the node of the run to say.
    const depends = [task?.conditions, task?.shadows].some((clauses) => clauses?.has(name));
    if (!all && attempts === 0 && depends) return [];
    // Chunks are recorded by the node of the run alone.
    if (!all && task?.subTasks[at]?.stream) return [];
    const worker = task?.subTasks[at]?.placement === 'worker';
    const leftMs = retryAt === null ? 0 : Date.parse(retryAt) - now;
    // No longer than it was to be, whatever the clock of the node was that is gone.
    const delayMs = Math.min(Math.max(0, leftMs), retryDelayMs);
    return [{ runId: run.id, task: run.task, subTask: name, attempts, worker, delayMs }];
  });
}
