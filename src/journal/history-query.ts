import { sql, type RawBuilder } from 'kysely';
import { RUN_STATUSES, type RunStatus } from '../core/run.js';
import type { RunQuery } from '../run/journal-pages.js';
import { rangeOf } from './history-page.js';
import type { RunRow } from './history-rows.js';

/** Where runs are found: those that are open, and finished ones by their status, or by another column and their status. */
export interface HistoryTables {
  readonly open: RawBuilder<unknown>;
  /** 1 for an open run that is set aside, else 0. */
  readonly setAside: RawBuilder<unknown>;
  readonly ofStatus: RawBuilder<unknown>;
  readonly ofTask: RawBuilder<unknown>;
  readonly ofClient: RawBuilder<unknown>;
  readonly ofRequest: RawBuilder<unknown>;
  readonly ofTrace: RawBuilder<unknown>;
  /** The labels of runs; and joined as `one`, open and finished runs. */
  readonly labels: RawBuilder<unknown>;
  readonly openOfLabel: RawBuilder<unknown>;
  readonly ofLabel: RawBuilder<unknown>;
  /** What is read besides to see whether the row of an open run, or of a finished one, is what was written: a list that begins with a comma. */
  readonly openChecks: RawBuilder<unknown>;
  readonly finishedChecks: RawBuilder<unknown>;
  /** The number of a run that is joined with a label. */
  readonly numberOfLabel: RawBuilder<unknown>;
  /** What `run_labels.run` refers to a run by. */
  readonly labelled: RawBuilder<unknown>;
}

/** What finds the finished runs of a query: the first of these that it names, so that the fewest are read. */
const FINDERS = [
  ['requestId', 'ofRequest'],
  ['traceId', 'ofTrace'],
  ['labels', 'ofLabel'],
  ['client', 'ofClient'],
  ['task', 'ofTask'],
] as const;

/**
 * The runs that a query asks for, and one more. For each status an index has them in the order of the answer, so the database
 * merges as many ranges as there are statuses, and stops at the limit: it sorts nothing, and reads no run that it doesn't
 * show but for one a status, the open runs of others, and those of its finder, such as a label, that the rest of the query leaves out.
 */
export function historyQuery(query: RunQuery, tables: HistoryTables): RawBuilder<RunRow> {
  const { task, client, requestId, traceId, labels = [], statuses = RUN_STATUSES, limit } = query;
  const { since, olderThan } = rangeOf(query);
  const [, found] = FINDERS.find(([filter]) => query[filter] !== undefined) ?? [
    undefined,
    'ofStatus' as const,
  ];
  const isJoined = found === 'ofLabel';
  const createdAt = isJoined ? sql`labelled_at` : sql`created_at`;
  const number = isJoined ? tables.numberOfLabel : sql`number`;
  const [labelledAt, run] = isJoined ? [sql`one.labelled_at`, sql`one.run`] : [createdAt, tables.labelled];
  const filters = [
    ...labels.map((label, at) =>
      isJoined && at === 0
        ? sql`label = ${label} AND`
        : sql`EXISTS (
      SELECT 1 FROM ${tables.labels} AS other
      WHERE other.label = ${label} AND other.labelled_at = ${labelledAt} AND other.run = ${run}) AND`,
    ),
    ...(requestId === undefined ? [] : [sql`request_id = ${requestId} AND`]),
    ...(traceId === undefined ? [] : [sql`trace_id = ${traceId} AND`]),
    ...(client === undefined ? [] : [sql`client = ${client} AND`]),
    ...(task === undefined ? [] : [sql`task = ${task} AND`]),
  ];
  const fits = sql.join(filters, sql` `);
  const inRange = sql`${createdAt} >= ${since}
    AND (${createdAt}, ${number}) < (${olderThan.createdAt}, ${olderThan.number})`;
  const open = (status: 'running' | 'set-aside') => sql`
    SELECT ${number} AS number, id, task, ${sql.lit(status)} AS status, ${createdAt} AS created_at, CAST(NULL AS bigint) AS finished_at,
      CAST(NULL AS bigint) AS replied_at, CAST(NULL AS text) AS answered_by${tables.openChecks}
    FROM ${isJoined ? tables.openOfLabel : tables.open}
    WHERE ${fits} ${tables.setAside} = ${sql.lit(status === 'set-aside' ? 1 : 0)} AND ${inRange}`;
  const finished = (status: RunStatus) => sql`
    SELECT ${number} AS number, id, task, status, ${createdAt} AS created_at, finished_at, replied_at, answered_by${tables.finishedChecks}
    FROM ${tables[found]} WHERE ${fits} status = ${status} AND ${inRange}`;
  const parts = [...new Set(statuses)].map((status) =>
    status === 'running' || status === 'set-aside' ? open(status) : finished(status),
  );
  return sql<RunRow>`${sql.join(parts, sql` UNION ALL `)}
    ORDER BY created_at DESC, number DESC LIMIT ${limit + 1}`;
}
