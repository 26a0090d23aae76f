import { Kysely, PostgresDialect, sql } from 'kysely';
import { DatabaseError } from '../journal/database-error.js';
import {
  nameOf,
  openPool,
  postgresError,
  type PostgresAddress,
} from '../journal/postgres/postgres-connection.js';
import type { Schema } from '../journal/postgres/postgres-schema.js';
import { queueSchema, QUEUES } from '../journal/postgres/sub-task-queue.js';

export interface NodeFigures {
  readonly id: string;
  readonly role: string;
  readonly state: string;
  /** The unfinished runs that it executes. */
  readonly runs: number;
  readonly freeSlots: number;
  readonly seenMs: number;
  readonly skewMs: number;
  readonly lagMs: number;
}

/** What all nodes together have before them. */
export interface ClusterFigures {
  readonly unfinished: number;
  readonly waiting: number;
  readonly setAside: number;
  readonly deliveries: number;
  readonly oldestDeliveryMs: number;
  readonly dead: number;
  readonly commands: number;
  readonly paused: readonly string[];
}

/** Which runs a command is for. */
export interface RunFilter {
  readonly task: string;
  readonly olderThanMs: number;
}

/** What whoever looks after the nodes asks and tells them, through the database that they share. */
export class ClusterOperations {
  private constructor(
    private readonly address: PostgresAddress,
    private readonly db: Kysely<Schema>,
  ) {}

  /** @throws {DatabaseError} when the database can't be used, or no node was ever started on it */
  static async open(address: PostgresAddress): Promise<ClusterOperations> {
    const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: openPool(address) }) });
    const operations = new ClusterOperations(address, db);
    try {
      const [row] = await operations.ask<{ found: boolean }>(
        sql`SELECT to_regclass('paused_tasks') IS NOT NULL AS found`,
      );
      if (!row?.found)
        throw new DatabaseError(
          nameOf(address.url),
          `has nothing of the service in the schema ${address.schema}; start a node on it first, or correct DATABASE_SCHEMA`,
        );
      return operations;
    } catch (error) {
      await db.destroy();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.db.destroy();
  }

  /** The oldest first. */
  nodes(): Promise<readonly NodeFigures[]> {
    return this.ask(sql`
      SELECT id, role, CASE WHEN draining THEN 'draining' ELSE 'taking runs' END AS state,
        (SELECT count(*)::integer FROM open_runs WHERE node = nodes.id) AS runs, free_slots AS "freeSlots",
        round(extract(epoch FROM clock_timestamp() - seen_at) * 1000)::integer AS "seenMs",
        round(skew_ms)::float8 AS "skewMs", round(lag_ms)::float8 AS "lagMs"
      FROM nodes ORDER BY id`);
  }

  async figures(): Promise<ClusterFigures | undefined> {
    const [figures] = await this.ask<ClusterFigures>(sql`
      SELECT (SELECT count(*)::integer FROM open_runs) AS unfinished,
        (SELECT count(*)::integer FROM waiting_runs) AS waiting,
        (SELECT count(*)::integer FROM open_runs WHERE set_aside) AS "setAside",
        (SELECT count(*)::integer FROM commands) AS commands,
        ARRAY(SELECT task FROM paused_tasks ORDER BY task) AS paused,
        (SELECT count(*)::integer FROM ${this.jobs} WHERE name = ${QUEUES.dead} AND state < 'active') AS dead,
        count(*)::integer AS deliveries,
        coalesce(round(extract(epoch FROM clock_timestamp() - min(start_after)) * 1000), 0)::float8 AS "oldestDeliveryMs"
      FROM ${this.jobs}
      WHERE name IN (${QUEUES.any}, ${QUEUES.worker}) AND state < 'active' AND start_after <= clock_timestamp()`);
    return figures;
  }

  /** @returns whether there is such a node */
  async drain(node: string, draining: boolean): Promise<boolean> {
    const rows = await this.ask(sql`UPDATE nodes SET draining = ${draining} WHERE id = ${node} RETURNING id`);
    return rows.length > 0;
  }

  async pause(task: string): Promise<void> {
    await this.ask(sql`INSERT INTO paused_tasks (task) VALUES (${task}) ON CONFLICT DO NOTHING`);
  }

  /** @returns whether it was paused */
  async resume(task: string): Promise<boolean> {
    const rows = await this.ask(sql`DELETE FROM paused_tasks WHERE task = ${task} RETURNING task`);
    return rows.length > 0;
  }

  /** Asks for the end of unfinished runs. @returns how many */
  async cancel({ task, olderThanMs }: RunFilter): Promise<number> {
    const rows = await this.ask(sql`
      WITH asked AS (
        INSERT INTO commands (run, run_id, kind)
        SELECT number, id, 'cancel' FROM open_runs WHERE task = ${task} AND created_at <= ${before(olderThanMs)}
        RETURNING run)
      SELECT pg_notify(current_schema(), json_build_array('command', node)::text)
      FROM asked JOIN open_runs ON number = run`);
    return rows.length;
  }

  /** Asks for another attempt of all failed sub-tasks of runs that have finished. @returns how many runs */
  async retry({ task, olderThanMs }: RunFilter): Promise<number> {
    const rows = await this.ask(sql`
      WITH asked AS (
        INSERT INTO commands (run, run_id, kind)
        SELECT number, id, 'retry' FROM runs
        WHERE task = ${task} AND status IN ('failed', 'partly-failed') AND created_at <= ${before(olderThanMs)}
        RETURNING run),
      told AS (SELECT pg_notify(current_schema(), '["let-go", ""]'))
      SELECT run FROM asked, told`);
    return rows.length;
  }

  /** The table of pg-boss. */
  private get jobs() {
    return sql.id(queueSchema(this.address.schema), 'job');
  }

  private async ask<Row>(query: ReturnType<typeof sql>): Promise<readonly Row[]> {
    try {
      return (await query.execute(this.db)).rows as Row[];
    } catch (error) {
      throw postgresError(this.address.url, error);
    }
  }
}

/** A time on the clock of the database, in milliseconds since 1970. */
function before(olderThanMs: number) {
  return sql`extract(epoch FROM clock_timestamp()) * 1000 - ${olderThanMs}`;
}
