import { setTimeout as delay } from 'node:timers/promises';
import { sql, type Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { Schema } from './postgres-schema.js';

/** Pause between a failed registration and the next try, in milliseconds. */
const RETRY_MS = 250;

/** A node's row in the table `nodes`. Without its row, a node counts as dead and can't commit. */
export class NodeRow {
  /** The node's id. It changes each time that the node begins anew. */
  id = uuidv7();

  constructor(
    private readonly db: Kysely<Schema>,
    private readonly role: string,
  ) {}

  /** Inserts the row. If the row exists, an earlier answer was lost. */
  async insert(): Promise<void> {
    await sql`
      INSERT INTO nodes (id, role) VALUES (${this.id}, ${this.role})
      ON CONFLICT DO NOTHING`.execute(this.db);
  }

  /** Deletes the row and tells the other nodes, so that they take over at once. */
  private async delete(): Promise<void> {
    await sql`
      WITH gone AS (DELETE FROM nodes WHERE id = ${this.id} RETURNING id)
      SELECT pg_notify(current_schema(), json_build_array('left', id)::text) FROM gone`.execute(this.db);
  }

  /** Leaves the node's runs to the others. The takeover counts of those runs are reset, because this node didn't die. */
  async leave(): Promise<void> {
    await sql`UPDATE open_runs SET takeovers = 0 WHERE node = ${this.id} AND takeovers > 0`.execute(this.db);
    await this.delete();
  }

  /** Takes another id. @returns the id before */
  renew(): string {
    const { id } = this;
    this.id = uuidv7();
    return id;
  }

  /**
   * Replaces the row of a former id, and tells all nodes, including this one. Tries until it succeeds.
   *
   * @returns false when `closing` is aborted first
   */
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
