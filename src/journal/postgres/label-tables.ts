import { sql, type Kysely } from 'kysely';

export async function addLabels(db: Kysely<unknown>): Promise<void> {
  // What stands for the idempotency key of a request for a retry.
  await sql`ALTER TABLE commands ADD COLUMN key text COLLATE "C"`.execute(db);
}
