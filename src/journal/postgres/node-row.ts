import { setTimeout as delay } from 'node:timers/promises';
import { sql, type Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { Schema } from './postgres-schema.js';

/** Between a registration that failed and its next try. */
const RETRY_MS = 250;

/** A node's row among those of the others: with it the node may commit, without it it counts as dead. */
export class NodeRow {
  /** Another one each time that the node begins anew. */
  id = uuidv7();

  constructor(
    private readonly db: Kysely<Schema>,
    private readonly role: string,
  ) {}

  /** Makes the row. That it is there already means that an answer got lost. */
  async insert(): Promise<void> {
    await sql`
      INSERT INTO nodes (id, role) VALUES (${this.id}, ${this.role})
      ON CONFLICT DO NOTHING`.execute(this.db);
  }

  /** Lets the others go on with what the node has at once. */
  private async delete(): Promise<void> {
    await sql`
      WITH gone AS (DELETE FROM nodes WHERE id = ${this.id} RETURNING id)
      SELECT pg_notify(current_schema(), json_build_array('left', id)::text) FROM gone`.execute(this.db);
  }

  /** Leaves the others what the node has. It didn't die over that. */
  async leave(): Promise<void> {
    await sql`UPDATE open_runs SET takeovers = 0 WHERE node = ${this.id} AND takeovers > 0`.execute(this.db);
    await this.delete();
  }

  /** Takes another id. @returns the one before */
  renew(): string {
    const { id } = this;
    this.id = uuidv7();
    return id;
  }

  /** Replaces the row of a former id, tells all, this node too, and tries until that is done. @returns false when `closing` is aborted before */
  async rejoin(before: string, closing: AbortSignal): Promise<boolean> {
    while (!closing.aborted) {
      try {
        await sql`
          WITH gone AS (DELETE FROM nodes WHERE id = ${before}),
            joined AS (INSERT INTO nodes (id, role) VALUES (${this.id}, ${this.role}) ON CONFLICT DO NOTHING)
          SELECT pg_notify(current_schema(), json_build_array('left', ${before}::text)::text)`.execute(
          this.db,
        );
        return true;
      } catch {
        await delay(RETRY_MS, undefined, { signal: closing }).catch(() => undefined);
      }
    }
    return false;
  }
}
