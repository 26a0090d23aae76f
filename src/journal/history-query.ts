import { sql, type RawBuilder } from 'kysely';
import { RUN_STATUSES, type RunStatus } from '../core/run.js';
import type { RunQuery } from '../run/journal.js';
import { rangeOf } from './history-page.js';
import type { RunRow } from './history-rows.js';

/** Where runs are found: those that are open, and finished ones by their status, or by their task or client and their status. */
export interface HistoryTables {
  readonly open: RawBuilder<unknown>;
  /** 1 for an open run that is set aside, else 0. */
  readonly setAside: RawBuilder<unknown>;
  readonly ofStatus: RawBuilder<unknown>;
  readonly ofTask: RawBuilder<unknown>;
  readonly ofClient: RawBuilder<unknown>;
  /** The labels of runs; and joined as `one`, open and finished runs. */
  readonly labels: RawBuilder<unknown>;
  readonly openOfLabel: RawBuilder<unknown>;
  readonly ofLabel: RawBuilder<unknown>;
  /** What is read besides to see whether the row of an open run, or of a finished one, is what was written: a list that begins with a comma. */
  readonly openChecks: RawBuilder<unknown>;
  readonly finishedChecks: RawBuilder<unknown>;
  /** The number of a run that is joined with a label. */
  readonly numberOfLabel: RawBuilder<unknown>;
}

/**
 * The runs that a query asks for, and one more. For each status an index has them in the order of the answer, so the database
 * merges as many ranges as there are statuses, and stops at the limit: it sorts nothing, and reads no run that it doesn't
 * show but for one a status, the open runs of others, those of a client that are of other tasks, and those of a label that the rest of
 * the query leaves out.
 */
export function historyQuery(query: RunQuery, tables: HistoryTables): RawBuilder<RunRow> {
  const { task, client, labels: [label, ...others] = [], statuses = RUN_STATUSES, limit } = query;
  const { since, olderThan } = rangeOf(query);
  const ofTask = task === undefined ? sql`` : sql`task = ${task} AND`;
  const ofClient = client === undefined ? sql`` : sql`client = ${client} AND`;
  const createdAt = label === undefined ? sql`created_at` : sql`labelled_at`;
  const number = label === undefined ? sql`number` : tables.numberOfLabel;
  const openRuns = label === undefined ? tables.open : tables.openOfLabel;
  const finishedRuns =
    label !== undefined
      ? tables.ofLabel
      : client !== undefined
        ? tables.ofClient
        : task !== undefined
          ? tables.ofTask
          : tables.ofStatus;
  const labelled = others.map(
    (text) => sql`AND EXISTS (
      SELECT 1 FROM ${tables.labels} AS other
      WHERE other.label = ${text} AND other.labelled_at = one.labelled_at AND other.run = one.run)`,
  );
  const ofLabel = label === undefined ? sql`` : sql`label = ${label} ${sql.join(labelled, sql` `)} AND`;
  const inRange = sql`${createdAt} >= ${since}
    AND (${createdAt}, ${number}) < (${olderThan.createdAt}, ${olderThan.number})`;
  const open = (status: 'running' | 'set-aside') => sql`
    SELECT ${number} AS number, id, task, ${sql.lit(status)} AS status, ${createdAt} AS created_at, CAST(NULL AS bigint) AS finished_at${tables.openChecks}
    FROM ${openRuns}
    WHERE ${ofLabel} ${tables.setAside} = ${sql.lit(status === 'set-aside' ? 1 : 0)} AND ${ofClient} ${ofTask} ${inRange}`;
  const finished = (status: RunStatus) => sql`
    SELECT ${number} AS number, id, task, status, ${createdAt} AS created_at, finished_at${tables.finishedChecks}
    FROM ${finishedRuns} WHERE ${ofLabel} ${ofClient} ${ofTask} status = ${status} AND ${inRange}`;
  const parts = [...new Set(statuses)].map((status) =>
    status === 'running' || status === 'set-aside' ? open(status) : finished(status),
  );
  return sql<RunRow>`${sql.join(parts, sql` UNION ALL `)}
    ORDER BY created_at DESC, number DESC LIMIT ${limit + 1}`;
}
