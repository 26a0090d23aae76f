import { hasLabels, type Labels } from '../../core/labels.js';
import { traceIdOf } from '../../core/run-origin.js';
import type { AnsweredBy } from '../../core/run-standing.js';
import type { RunStatus } from '../../core/run.js';
import type { RunPosition, RunQuery, RunSummary } from '../../run/journal-pages.js';
import { timeText } from '../event-clock.js';
import type { FinishedRun } from './finished-runs.js';
import type { RunLog } from './memory-log.js';

/** The members of a kept run that can be read without its events. Times are milliseconds since 1970. */
export interface KeptRun extends RunLog, FinishedRun {
  /** Whether the contents of its events are erased. */
  erased: boolean;
  readonly id: string;
  readonly task: string;
  readonly client: string | undefined;
  readonly labels: Labels | undefined;
  readonly requestId: string | undefined;
  readonly traceparent: string | undefined;
  repliedAt: string | null;
  answeredBy: AnsweredBy;
  readonly position: RunPosition;
  status: RunStatus;
  finishedAt: number | null;
  /** The idempotency key of the run. */
  readonly key: string | undefined;
}

/** Whether a run matches a query. `until` and `olderThan` are not checked. */
export function fits(run: KeptRun, query: RunQuery): boolean {
  const { task, client, requestId, traceId, labels, statuses, since = -Infinity } = query;
  return (
    !run.erased &&
    (task === undefined || run.task === task) &&
    (client === undefined || run.client === client) &&
    (requestId === undefined || run.requestId === requestId) &&
    (traceId === undefined || traceIdOf(run.traceparent) === traceId) &&
    hasLabels(run.labels, labels) &&
    (statuses?.includes(run.status) ?? true) &&
    run.position.createdAt >= since
  );
}

export function summaryOf(run: KeptRun): RunSummary {
  const { id, task, status, position, finishedAt, labels, repliedAt, answeredBy } = run;
  return {
    id,
    task,
    status,
    createdAt: timeText(position.createdAt),
    finishedAt: finishedAt === null ? null : timeText(finishedAt),
    labels,
    reply: finishedAt === null ? undefined : { repliedAt, answeredBy },
  };
}
