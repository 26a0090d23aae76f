import pg from 'pg';
import { loggerOf } from '../core/logger-of.js';
import { version } from '../core/version.js';
import type { DatabaseClock } from '../journal/postgres/database-clock.js';
import {
  connectionConfig,
  searchPath,
  type PostgresAddress,
} from '../journal/postgres/postgres-connection.js';

/** The database's answer to a beat: the state of this node and of the others. */
export interface Standing {
  /** False when this node was taken for dead. */
  readonly alive: boolean;
  readonly lastId: number;
  /** How many sub-tasks the others could take on. */
  readonly idle: number;
  /** Whether an operator keeps this node from taking new work. */
  readonly draining: boolean;
  /** The tasks that operators have paused. */
  readonly paused: readonly string[];
  /** The queues that operators have paused. */
  readonly pausedQueues: readonly string[];
  /** Whether transactions have requested runs from this node, or from one that is gone. */
  readonly requested: boolean;
  /** The nodes that this beat ended, because they were not seen for too long. */
  readonly gone: readonly string[];
}

/** Difference between this machine's clock and the database's from which it is logged; ms. */
const MAX_SKEW_MS = 1_000;

/** What a node tells the others about itself. */
interface Condition {
  readonly freeSlots: number;
  /** The tasks and sub-tasks that it knows: see `knownNames`. */
  readonly tasks: readonly string[];
  readonly lagMs: number;
}

interface Answer extends Omit<Standing, 'gone'> {
  readonly databaseMs: number;
}

/** The shortest time that a beat may take, however short the timeout of nodes is; ms. */
const PATIENCE_MS = 1_000;
/** Most time that a beat may take; ms. */
const MAX_PATIENCE_MS = 5_000;

const BEAT = `
  WITH me AS (
    UPDATE nodes SET seen_at = clock_timestamp(), free_slots = $2, tasks = $3, skew_ms = $4, lag_ms = $5,
      slots = $6, version = $7
    WHERE id = $1 RETURNING id, draining)
  SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS "databaseMs", EXISTS (SELECT FROM me) AS alive,
    coalesce((SELECT draining FROM me), false) AS draining, ARRAY(SELECT task FROM paused_tasks) AS paused,
    ARRAY(SELECT queue FROM paused_queues ORDER BY queue) AS "pausedQueues", last_id AS "lastId",
    (SELECT coalesce(sum(free_slots), 0) FROM nodes WHERE id <> $1) AS idle,
    EXISTS (
      SELECT FROM requested_runs
      WHERE node = $1 OR NOT EXISTS (SELECT FROM nodes WHERE nodes.id = requested_runs.node)) AS requested
  FROM log_head`;

/**
 * Ends nodes that are silent. A commit updates the time at which its node was seen, and both lock the node's row: whichever comes first
 * decides.
 */
const END_SILENT = `
  WITH gone AS (
    DELETE FROM nodes
    WHERE id <> $1 AND seen_at < clock_timestamp() - $2 * interval '1 ms' RETURNING id)
  SELECT id, pg_notify(current_schema(), json_build_array('left', id)::text) FROM gone`;

/**
 * Tells the others that a node lives. It has a connection of its own, so that readers who use all others can't hold up a beat. After a
 * failure, the next beat opens another connection.
 */
export class Heartbeat {
  private readonly logger = loggerOf('node');
  private client: Promise<pg.Client> | undefined;
  private isSkewed = false;
  private readonly version = version();
  private readonly config: pg.ClientConfig;

  /**
   * @param timeoutMs how long a node may not be seen before it counts as dead; a beat fails after half of that, but within 1 to 5 s
   * @param slots how many sub-tasks this node may execute at once
   */
  constructor(
    private readonly address: PostgresAddress,
    private readonly timeoutMs: number,
    private readonly clock: DatabaseClock,
    private readonly slots: number,
  ) {
    const patienceMs = Math.min(Math.max(timeoutMs / 2, PATIENCE_MS), MAX_PATIENCE_MS);
    this.config = {
      ...connectionConfig(address.url),
      connectionTimeoutMillis: patienceMs,
      query_timeout: patienceMs,
      // Otherwise the server would go on waiting for a lock, for a beat that was given up.
      statement_timeout: patienceMs,
    };
  }

  /**
   * Tells the others that this node lives, and ends nodes that were not seen for too long.
   *
   * @param canTell whether this node can tell which nodes are gone: see {@link Contact}
   * @returns undefined when the database has no answer
   */
  async beat(
    node: string,
    { freeSlots, tasks, lagMs }: Condition,
    canTell: boolean,
  ): Promise<Standing | undefined> {
    try {
      const client = await (this.client ??= this.connect());
      const sentAt = performance.now();
      const condition = [freeSlots, tasks, this.clock.skewMs, lagMs, this.slots, this.version];
      const { rows } = await client.query<Answer>(BEAT, [node, ...condition]);
      const [answer] = rows;
      if (answer) this.clock.measured(answer.databaseMs, sentAt, performance.now());
      this.tellSkew();
      if (!answer) return undefined;
      return { ...answer, gone: answer.alive && canTell ? await this.endSilent(client, node) : [] };
    } catch (error) {
      void this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    await client?.then((open) => open.end()).catch(() => undefined);
  }

  /** Logs the difference of clocks once, until it is small again. */
  private tellSkew(): void {
    const { skewMs } = this.clock;
    const isSkewed = Math.abs(skewMs) > MAX_SKEW_MS;
    if (isSkewed && !this.isSkewed)
      this.logger.warn(
        `This machine’s clock is ${Math.abs(skewMs)} ms ${skewMs > 0 ? 'ahead of' : 'behind'} the database’s, which all nodes go by: set it right, by NTP for example`,
      );
    this.isSkewed = isSkewed;
  }

  private async endSilent(client: pg.Client, node: string): Promise<string[]> {
    const { rows } = await client.query<{ id: string }>(END_SILENT, [node, this.timeoutMs]);
    return rows.map(({ id }) => id);
  }

  private async connect(): Promise<pg.Client> {
    const client = new pg.Client(this.config);
    // The next beat fails by itself when the connection breaks.
    client.on('error', () => undefined);
    await client.connect();
    // A beat promises nothing to anybody, so it waits for no standby.
    await client.query(`${searchPath(this.address)}; SET synchronous_commit = local`);
    return client;
  }
}
