import { sql, type RawBuilder } from 'kysely';
import { RUN_STATUSES, type RunStatus } from '../core/run.js';
import { timeText } from './event-clock.js';
import { pageOf, rangeOf } from './history-page.js';
import type { RunPage, RunQuery } from '../run/journal.js';
import type { LogSchema } from './log-schema.js';

export type RunRow = LogSchema['runs'] & { readonly status: RunStatus };

/** Where runs are found by their status, and by their task and status. */
export interface RunIndexes {
  readonly ofStatus: RawBuilder<unknown>;
  readonly ofTask: RawBuilder<unknown>;
}

/**
 * The runs that a query asks for, and one more. For each status an index has them in the order of the answer, so the database
 * merges as many ranges as there are statuses, and stops at the limit: it sorts nothing, and reads no run that it doesn't
 * show but for one a status.
 */
export function historyQuery(query: RunQuery, { ofStatus, ofTask }: RunIndexes): RawBuilder<RunRow> {
  const { task, statuses = RUN_STATUSES, limit } = query;
  const { since, olderThan } = rangeOf(query);
  const from = task === undefined ? sql`${ofStatus} WHERE` : sql`${ofTask} WHERE task = ${task} AND`;
  const withStatus = (status: RunStatus) => sql`
    SELECT number, id, task, status, created_at, finished_at
    FROM ${from} status = ${status} AND created_at >= ${since}
      AND (created_at, number) < (${olderThan.createdAt}, ${olderThan.number})`;
  return sql<RunRow>`${sql.join([...new Set(statuses)].map(withStatus), sql` UNION ALL `)}
    ORDER BY created_at DESC, number DESC LIMIT ${limit + 1}`;
}

/** What the rows of a query show: see {@link historyQuery}. */
export function pageOfRows(rows: readonly RunRow[], limit: number): RunPage {
  return pageOf(
    rows.map(({ number, id, task, status, created_at: createdAt, finished_at: finishedAt }) => ({
      position: { createdAt, number },
      run: {
        id,
        task,
        status,
        createdAt: timeText(createdAt),
        finishedAt: finishedAt === null ? null : timeText(finishedAt),
      },
    })),
    limit,
  );
}
