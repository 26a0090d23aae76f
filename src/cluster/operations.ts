import { Kysely, PostgresDialect, sql } from 'kysely';
import { DatabaseError } from '../journal/database-error.js';
import { nameOf } from '../core/database-name.js';
import { openPool, postgresError, type PostgresAddress } from '../journal/postgres/postgres-connection.js';
import type { Schema } from '../journal/postgres/postgres-schema.js';
import { queueSchema, QUEUES } from '../journal/postgres/queues.js';
import type { DeadSubTasks } from './dead-sub-tasks.js';
import { RETRIED, type Pausable, type RunFilter } from './operator-terms.js';

export interface NodeFigures {
  readonly id: string;
  readonly role: string;
  readonly state: 'taking runs' | 'draining';
  /** How many unfinished runs the node executes. */
  readonly runs: number;
  readonly freeSlots: number;
  /** How many slots the node has in all, and its version; null for an older version, which doesn't report them. */
  readonly slots: number | null;
  readonly version: string | null;
  readonly seenMs: number;
  readonly skewMs: number;
  readonly lagMs: number;
}

/** The backlog of all nodes together. */
export interface ClusterFigures {
  readonly unfinished: number;
  readonly waiting: number;
  readonly setAside: number;
  readonly deliveries: number;
  readonly oldestDeliveryMs: number;
  readonly dead: number;
  readonly commands: number;
  /** The longest age of a commit under way, among the ages that nodes reported with their last beat. */
  readonly commitLagMs: number;
  readonly paused: readonly string[];
  readonly pausedQueues: readonly string[];
}

/** Shows operators the state of all nodes, and passes on their commands, through the database that nodes share. */
export class ClusterOperations {
  constructor(
    private readonly address: PostgresAddress,
    private readonly db: Kysely<Schema>,
    readonly dead?: DeadSubTasks,
  ) {}

  /** @throws {DatabaseError} when the database can't be used, or no node was ever started on it */
  static async open(address: PostgresAddress): Promise<ClusterOperations> {
    const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: openPool(address) }) });
    const operations = new ClusterOperations(address, db);
    try {
      const [row] = await operations.ask<{ found: boolean }>(
        sql`SELECT to_regclass('paused_queues') IS NOT NULL AS found`,
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

  /** All nodes, the oldest first. */
  nodes(): Promise<readonly NodeFigures[]> {
    return this.ask(sql`
      SELECT id, role, CASE WHEN draining THEN 'draining' ELSE 'taking runs' END AS state,
        (SELECT count(*)::integer FROM open_runs WHERE node = nodes.id) AS runs, free_slots AS "freeSlots", slots, version,
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
        (SELECT coalesce(round(max(lag_ms)), 0)::float8 FROM nodes) AS "commitLagMs",
        ARRAY(SELECT task FROM paused_tasks ORDER BY task) AS paused,
        ARRAY(SELECT queue FROM paused_queues ORDER BY queue) AS "pausedQueues",
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

  /** Keeps nodes from starting new runs of a task, or from taking deliveries of a queue. @returns false when no node knows the task */
  async pause({ kind, name }: Pausable): Promise<boolean> {
    const rows = await this.ask(
      kind === 'queue'
        ? sql`INSERT INTO paused_queues (queue) VALUES (${name}) ON CONFLICT (queue) DO UPDATE SET queue = ${name} RETURNING queue`
        : sql`
            INSERT INTO paused_tasks (task) SELECT ${name} WHERE EXISTS (SELECT FROM nodes WHERE ${name} = ANY (tasks))
            ON CONFLICT (task) DO UPDATE SET task = ${name} RETURNING task`,
    );
    return rows.length > 0;
  }

  /** @returns whether it was paused */
  async resume({ kind, name }: Pausable): Promise<boolean> {
    const from =
      kind === 'queue' ? sql`paused_queues WHERE queue = ${name}` : sql`paused_tasks WHERE task = ${name}`;
    // Nodes look for sub-tasks that waited meanwhile.
    const rows = await this.ask(sql`
      WITH resumed AS (DELETE FROM ${from} RETURNING 1)
      SELECT pg_notify(current_schema(), '["let-go", ""]') FROM resumed`);
    return rows.length > 0;
  }

  /** Requests the cancellation of unfinished runs. @returns how many */
  async cancel({ task, status, node, olderThanMs }: RunFilter): Promise<number> {
    const rows = await this.ask(sql`
      WITH asked AS (
        INSERT INTO commands (run, run_id, kind)
        SELECT number, id, 'cancel' FROM open_runs
        WHERE ${isOf('task', task)} AND ${isOf('node', node)} AND created_at <= ${before(olderThanMs)}
          AND ${status === undefined ? sql`true` : sql`set_aside = ${status === 'set-aside'}`}
        RETURNING run)
      SELECT pg_notify(current_schema(), json_build_array('command', node)::text)
      FROM asked JOIN open_runs ON number = run`);
    return rows.length;
  }

  /** Requests another attempt for all failed sub-tasks of finished runs. @returns how many runs */
  async retry({ task, status, olderThanMs }: RunFilter): Promise<number> {
    const rows = await this.ask(sql`
      WITH asked AS (
        INSERT INTO commands (run, run_id, kind)
        SELECT number, id, 'retry' FROM runs
        WHERE ${isOf('task', task)} AND status = ANY (${status === undefined ? [...RETRIED] : [status]}::text[])
          AND created_at <= ${before(olderThanMs)}
        RETURNING run),
      told AS (SELECT pg_notify(current_schema(), '["let-go", ""]'))
      SELECT run FROM asked, told`);
    return rows.length;
  }

  /** pg-boss's table of jobs. */
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

function isOf(column: string, value: string | undefined) {
  return value === undefined ? sql`true` : sql`${sql.ref(column)} = ${value}`;
}
