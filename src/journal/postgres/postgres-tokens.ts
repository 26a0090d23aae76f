import { randomBytes } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import type { TokenKeeping } from '../../run/token-keeping.js';
import { asking } from './asking.js';

export interface TokenTables {
  /** One row. */
  token_secret: { only: boolean; secret: string };
  withdrawn_tokens: { id: string; until: number };
}

/** Creates the secret with which all nodes sign tokens. */
export async function createTokenSecret(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE token_secret (
      "only" boolean PRIMARY KEY DEFAULT true CHECK ("only"), secret text NOT NULL)`.execute(db);
  const secret = randomBytes(32).toString('hex');
  await sql`INSERT INTO token_secret (secret) VALUES (${sql.lit(secret)})`.execute(db);
}

export async function createWithdrawnTokens(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE withdrawn_tokens (id text PRIMARY KEY, until bigint NOT NULL)`.execute(db);
}

/** Keeps the tokens' secret and withdrawn tokens in the database that nodes share. */
export class PostgresTokens implements TokenKeeping {
  constructor(
    private readonly db: Kysely<TokenTables>,
    private readonly now: () => number,
  ) {}

  async secret(): Promise<string> {
    const asked = this.db.selectFrom('token_secret').select('secret');
    return (await asking(() => asked.executeTakeFirstOrThrow())).secret;
  }

  async withdraw(id: string, until: number): Promise<void> {
    await asking(() => this.db.deleteFrom('withdrawn_tokens').where('until', '<=', this.now()).execute());
    const row = this.db.insertInto('withdrawn_tokens').values({ id, until });
    await asking(() => row.onConflict((conflict) => conflict.doNothing()).execute());
  }

  async isWithdrawn(id: string): Promise<boolean> {
    const asked = this.db.selectFrom('withdrawn_tokens').select('id').where('id', '=', id);
    return (await asking(() => asked.executeTakeFirst())) !== undefined;
  }
}
