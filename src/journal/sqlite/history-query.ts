import { sql, type RawBuilder } from 'kysely';
import { RUN_STATUSES, type RunStatus } from '../../core/run.js';
import type { RunQuery } from '../../run/journal.js';
import { rangeOf } from '../history-page.js';
import type { RunRow } from '../history-rows.js';

/**
 * The runs that a query asks for, and one more. For each status an index has them in the order of the answer, so the database
 * merges as many ranges as there are statuses, and stops at the limit: it sorts nothing, and reads no run that it doesn't
 * show but for one a status, and the open runs of other tasks. The indexes are named because SQLite, which knows nothing of
 * how the values are spread, would take the one without the task for both.
 */
export function historyQuery(query: RunQuery): RawBuilder<RunRow> {
  const { task, statuses = RUN_STATUSES, limit } = query;
  const { since, olderThan } = rangeOf(query);
  const ofTask = task === undefined ? sql`` : sql`task = ${task} AND`;
  const inRange = sql`created_at >= ${since}
    AND (created_at, number) < (${olderThan.createdAt}, ${olderThan.number})`;
  const open = sql`
    SELECT number, id, task, 'running' AS status, created_at, NULL AS finished_at
    FROM open_runs INDEXED BY open_runs_by_age WHERE ${ofTask} ${inRange}`;
  const index = sql.ref(task === undefined ? 'runs_of_status' : 'runs_of_task');
  const finished = (status: RunStatus) => sql`
    SELECT number, id, task, status, created_at, finished_at
    FROM runs INDEXED BY ${index} WHERE ${ofTask} status = ${status} AND ${inRange}`;
  const parts = [...new Set(statuses)].map((status) => (status === 'running' ? open : finished(status)));
  return sql<RunRow>`${sql.join(parts, sql` UNION ALL `)}
    ORDER BY created_at DESC, number DESC LIMIT ${limit + 1}`;
}
