import type { RunRecord } from '../core/run-record.js';

/** The reason of sub-tasks that a caller's cancel ended. */
export const CANCELLED = 'cancelled on request';

export function isFinished({ finishedAt }: Readonly<RunRecord>): boolean {
  return finishedAt !== null;
}

/** Whether a cancel on request ended a sub-task of the run. */
export function isCancelled({ subTasks }: Readonly<RunRecord>): boolean {
  return subTasks.some(({ reason }) => reason === CANCELLED);
}
