import { sql, type RawBuilder } from 'kysely';
import { RUN_STATUSES, type RunStatus } from '../tasks/run.js';
import { rangeOf } from './history-page.js';
import type { RunQuery } from './journal.js';
import type { Schema } from './sqlite-schema.js';

export type RunRow = Schema['runs'] & { readonly number: number; readonly status: RunStatus };

/**
 * The runs that a query asks for, and one more. For each status an index has them in the order of the answer, so SQLite
 * merges as many ranges as there are statuses, and stops at the limit: it sorts nothing, and reads no run that it doesn't
 * show but for one a status. The indexes are named because SQLite, which knows nothing of how the values are spread,
 * would take the one without the task for both.
 */
export function historyQuery(query: RunQuery): RawBuilder<RunRow> {
  const { task, statuses = RUN_STATUSES, limit } = query;
  const { since, olderThan } = rangeOf(query);
  const from =
    task === undefined
      ? sql`runs INDEXED BY runs_of_status WHERE`
      : sql`runs INDEXED BY runs_of_task WHERE task = ${task} AND`;
  const ofStatus = (status: RunStatus) => sql`
    SELECT number, id, task, status, created_at, finished_at
    FROM ${from} status = ${status} AND created_at >= ${since}
      AND (created_at, number) < (${olderThan.createdAt}, ${olderThan.number})`;
  return sql<RunRow>`${sql.join([...new Set(statuses)].map(ofStatus), sql` UNION ALL `)}
    ORDER BY created_at DESC, number DESC LIMIT ${limit + 1}`;
}
