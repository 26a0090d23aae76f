import { sql, type RawBuilder } from 'kysely';
import { RUN_STATUSES, type RunStatus } from '../core/run.js';
import type { RunQuery } from '../run/journal-pages.js';
import { rangeOf } from './history-page.js';
import type { RunRow } from './history-rows.js';

/** The tables in which queries find runs: open runs, and finished runs by status, or by status and another column. */
export interface HistoryTables {
  readonly open: RawBuilder<unknown>;
  /** 1 for an open run that is set aside, else 0. */
  readonly setAside: RawBuilder<unknown>;
  readonly ofStatus: RawBuilder<unknown>;
  readonly ofTask: RawBuilder<unknown>;
  readonly ofClient: RawBuilder<unknown>;
  readonly ofRequest: RawBuilder<unknown>;
  readonly ofTrace: RawBuilder<unknown>;
  /** The labels of runs. Joined as `one`, labels with open runs, and labels with finished runs. */
  readonly labels: RawBuilder<unknown>;
  readonly openOfLabel: RawBuilder<unknown>;
  readonly ofLabel: RawBuilder<unknown>;
  /** Further columns to check that the row of an open run, or of a finished one, is undamaged: a list that begins with a comma. */
  readonly openChecks: RawBuilder<unknown>;
  readonly finishedChecks: RawBuilder<unknown>;
  /** The number of a run that is joined with a label. */
  readonly numberOfLabel: RawBuilder<unknown>;
  /** The column of a run that `run_labels.run` refers to. */
  readonly labelled: RawBuilder<unknown>;
}

/**
 * Tables by the filter of a query, the most selective first. The first filter that the query has chooses the table, so that the fewest
 * rows are read.
 */
const FINDERS = [
  ['requestId', 'ofRequest'],
  ['traceId', 'ofTrace'],
  ['labels', 'ofLabel'],
  ['client', 'ofClient'],
  ['task', 'ofTask'],
] as const;

/**
 * The runs that a query asks for, and one more. An index has the runs of each status in the order of the answer. So the database merges
 * one range for each status, and stops at the limit without sorting. It reads few runs that it doesn't show: one for each status, open
 * runs that don't match, and runs that the chosen table finds but another filter leaves out.
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
