import { randomBytes } from 'node:crypto';
import { sql, type Kysely } from 'kysely';

/** One row. */
export interface TokenSecret {
  only: boolean;
  secret: string;
}

/** What all nodes sign tokens for event streams with. */
export async function createTokenSecret(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE token_secret (
      "only" boolean PRIMARY KEY DEFAULT true CHECK ("only"), secret text NOT NULL)`.execute(db);
  const secret = randomBytes(32).toString('hex');
  await sql`INSERT INTO token_secret (secret) VALUES (${sql.lit(secret)})`.execute(db);
}
