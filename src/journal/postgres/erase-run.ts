import { sql, type Kysely } from 'kysely';
import { erasedRow } from '../erased-text.js';
import type { Schema } from './postgres-schema.js';
import { ERASURES } from './webhook-tables.js';

/**
 * Longest time between the claim of an idempotency key and the start of its run, in milliseconds. The claim comes first, by the
 * database's clock.
 */
const CLAIM_MS = 600_000;

/**
 * Erases a finished run, and tells all nodes: see the journal. A node that reopens the run at the same time either comes first or is
 * refused.
 */
export function eraseRun(db: Kysely<Schema>, id: string): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    const run = await transaction
      .deleteFrom('runs')
      .where('id', '=', id)
      .returning(['created_at', 'finished_at', 'commits'])
      .executeTakeFirst();
    if (!run) return false;
    const { created_at: createdAt, finished_at, commits } = run;
    await transaction.insertInto('erased_runs').values({ id, finished_at, commits }).execute();
    const rows = await transaction
      .selectFrom('commits')
      .select(['first', 'events'])
      .where('first', 'in', commits)
      .orderBy('first')
      .forUpdate()
      .execute();
    for (const { first, events } of rows)
      await transaction
        .updateTable('commits')
        .set({ events: erasedRow(events, id) })
        .where('first', '=', first)
        .execute();
    await transaction.deleteFrom('run_labels').where('run', '=', id).execute();
    await sql`SELECT pg_advisory_xact_lock(hashtext(current_schema()), ${ERASURES})`.execute(transaction);
    await transaction.deleteFrom('webhook_deliveries').where('run_id', '=', id).execute();
    await transaction
      .deleteFrom('idempotency_keys')
      .where('run_id', '=', id)
      .where('created_at', '>=', createdAt - CLAIM_MS)
      .where('created_at', '<=', createdAt + CLAIM_MS)
      .execute();
    await sql`SELECT pg_notify(current_schema(), json_build_array('erased', ${id}::text)::text)`.execute(
      transaction,
    );
    return true;
  });
}
