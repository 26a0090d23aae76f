import { DomainError } from '../core/domain-error.js';
import type { RunRecord } from '../core/run-record.js';
import type { SubTaskRecord } from '../core/sub-task-record.js';

/** The sub-task that an earlier request with this idempotency key has retried; undefined where there was none. */
export function subTaskOfKey({ subTasks }: Readonly<RunRecord>, key: string | undefined): string | undefined {
  if (key === undefined) return undefined;
  return subTasks.find(({ retryKeys }) => retryKeys?.includes(key))?.name;
}

/** Whether a sub-task was retried since its record was read. */
export function isRetried(
  { subTasks }: Readonly<RunRecord>,
  { name, retries }: Readonly<SubTaskRecord>,
): boolean {
  return subTasks.some((now) => now.name === name && now.retries > retries);
}

/** A copy of a failed sub-task's record, as a live run changes the record. @throws {DomainError} `sub-task-unknown`, `sub-task-not-failed` */
export function failedSubTask(run: Readonly<RunRecord>, name: string): Readonly<SubTaskRecord> {
  const subTask = run.subTasks.find((candidate) => candidate.name === name);
  if (!subTask) {
    const names = run.subTasks.map((candidate) => candidate.name).join(', ');
    throw new DomainError(
      'sub-task-unknown',
      `The run has no sub-task ${JSON.stringify(name)}; it has ${names}`,
      { runId: run.id },
    );
  }
  const { status } = subTask;
  if (status === 'failed') return { ...subTask };
  throw new DomainError('sub-task-not-failed', `${name} can’t be retried: its status is ${status}`, {
    runId: run.id,
  });
}
