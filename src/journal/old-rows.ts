import type { Kysely } from 'kysely';
import type { LogSchema } from './log-schema.js';

/**
 * Deletes the oldest runs that finished before a time, `limit` of them at most.
 * The run of the last event stays: the numbering goes on from it.
 *
 * @param before milliseconds since 1970
 * @returns how many it deleted
 */
export async function deleteFinished(db: Kysely<LogSchema>, before: number, limit: number): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    const lastRun = transaction.selectFrom('events').select('run').orderBy('id', 'desc').limit(1);
    const runs = await transaction
      .selectFrom('runs')
      .select('number')
      // Ids begin with the time of creation (UUIDv7), so this bound spares looking at the runs behind it.
      .where('id', '<', before.toString(16).padStart(12, '0').replace(/^.{8}/, '$&-'))
      .where('finished_at', '<', before)
      .where('number', '!=', lastRun)
      .orderBy('id')
      .limit(limit)
      .execute();
    const numbers = runs.map(({ number }) => number);
    if (numbers.length === 0) return 0;
    await transaction.deleteFrom('events').where('run', 'in', numbers).execute();
    await transaction.deleteFrom('runs').where('number', 'in', numbers).execute();
    return numbers.length;
  });
}

/** Deletes keys that are older than a time, `limit` of them at most. @returns how many it deleted */
export async function deleteKeys(db: Kysely<LogSchema>, before: number, limit: number): Promise<number> {
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
