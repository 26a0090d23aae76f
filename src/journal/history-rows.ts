import { labelsOf } from '../core/labels.js';
import type { RunStatus } from '../core/run.js';
import type { RunPage } from '../run/journal.js';
import { timeText } from './event-clock.js';
import { pageOf } from './history-page.js';

/** A row of the history. Times are milliseconds since 1970 in UTC. */
export interface RunRow {
  /** The id of its `run.started` event. */
  readonly number: number;
  readonly id: string;
  readonly task: string;
  readonly status: RunStatus;
  readonly created_at: number;
  readonly finished_at: number | null;
  /** Each as `name:value`; undefined without any. */
  readonly labels?: readonly string[] | undefined;
}

/** What the rows of a query show: see `historyQuery()`. */
export function pageOfRows(rows: readonly RunRow[], limit: number): RunPage {
  return pageOf(
    rows.map(({ number, id, task, status, created_at: createdAt, finished_at: finishedAt, labels }) => ({
      position: { createdAt, number },
      run: {
        id,
        task,
        status,
        createdAt: timeText(createdAt),
        finishedAt: finishedAt === null ? null : timeText(finishedAt),
        labels: labels && labelsOf(labels),
      },
    })),
    limit,
  );
}
