import { sql, type Kysely } from 'kysely';
import { firstIdOf } from '../event-clock.js';
import type { ClockWatch } from '../clock-watch.js';
import { deleteOld, NOTES_A_RUN } from '../retention.js';
import { deleteNotes } from './postgres-notes.js';
import type { PostgresJournalOptions } from './postgres-options.js';
import type { Schema } from './postgres-schema.js';

/** Deletes runs, keys and notes that are too old by the clock of the database, until `closing` is aborted. */
export function keepTidy(
  db: Kysely<Schema>,
  { retentionMs, keyRetentionMs }: PostgresJournalOptions,
  clock: ClockWatch,
  closing: AbortSignal,
): void {
  for (const table of retentionMs > 0 ? (['runs', 'erased_runs'] as const) : [])
    void deleteOld((...old) => deleteFinished(db, table, ...old), retentionMs, clock, closing);
  if (retentionMs > 0) void deleteOld((...old) => deleteDead(db, ...old), retentionMs, clock, closing);
  void deleteOld((...old) => deleteKeys(db, ...old), keyRetentionMs, clock, closing);
  void deleteOld((before, limit) => deleteNotes(db, before, NOTES_A_RUN * limit), 0, clock, closing);
}

/**
 * Deletes the oldest finished (or erased) runs that ended before a time, and takes their events out of the commits. Runs that a webhook
 * may not have read completely stay.
 *
 * @param before milliseconds since 1970
 * @param limit how many runs to delete at most
 * @returns how many runs were deleted
 */
async function deleteFinished(
  db: Kysely<Schema>,
  table: 'runs' | 'erased_runs',
  before: number,
  limit: number,
): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    // The condition on ids avoids reading younger runs.
    const { rows } = await sql<{ id: string; commits: number[] }>`
      SELECT id, commits FROM ${sql.table(table)}
      WHERE id < ${firstIdOf(before)} AND finished_at < least(${before}, (SELECT min(cursor_at) FROM webhooks))
      ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED`.execute(transaction);
    if (rows.length === 0) return 0;
    const ids = rows.map(({ id }) => id);
    const commits = [...new Set(rows.flatMap((row) => row.commits))];
    // Another node may be taking other runs out of the same commits. So the commits are locked before they are read.
    await sql`
      SELECT FROM commits WHERE first = ANY (${commits}) ORDER BY first FOR UPDATE`.execute(transaction);
    await sql`
      WITH left_over AS (
        SELECT first,
          string_agg(line, E',\n' ORDER BY place) FILTER (
            WHERE substring(line FROM '"runId":"([^"]*)"') <> ALL (${ids})) AS lines
        FROM commits,
          string_to_table(substr(events, 2, length(events) - 2), E',\n') WITH ORDINALITY AS a (line, place)
        WHERE first = ANY (${commits})
        GROUP BY first),
      emptied AS (
        DELETE FROM commits USING left_over
        WHERE commits.first = left_over.first AND lines IS NULL)
      UPDATE commits SET events = '[' || lines || ']' FROM left_over
      WHERE commits.first = left_over.first AND lines IS NOT NULL`.execute(transaction);
    await transaction.deleteFrom('run_labels').where('run', 'in', ids).execute();
    await transaction.deleteFrom(table).where('id', 'in', ids).execute();
    return ids.length;
  });
}

/** Deletes dead deliveries that were given up before a time, at most `limit`. @returns how many were deleted */
async function deleteDead(db: Kysely<Schema>, before: number, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    DELETE FROM webhook_deliveries WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM webhook_deliveries WHERE state = 'dead' AND changed_at < ${before}
      ORDER BY changed_at LIMIT ${limit} FOR UPDATE SKIP LOCKED))`.execute(db);
  return Number(numAffectedRows);
}

/** Deletes keys that are older than a time, at most `limit`. @returns how many were deleted */
async function deleteKeys(db: Kysely<Schema>, before: number, limit: number): Promise<number> {
  const old = db
    .selectFrom('idempotency_keys')
    .select(['client', 'key'])
    .where('created_at', '<', before)
    .orderBy('created_at')
    .limit(limit);
  const { numDeletedRows } = await db
    .deleteFrom('idempotency_keys')
    .where((columns) => columns.refTuple('client', 'key'), 'in', old.$asTuple('client', 'key'))
    .executeTakeFirst();
  return Number(numDeletedRows);
}
