import pg from 'pg';
import { loggerOf } from '../core/logger-of.js';
import { version } from '../core/version.js';
import type { DatabaseClock } from '../journal/postgres/database-clock.js';
import {
  connectionConfig,
  searchPath,
  type PostgresAddress,
} from '../journal/postgres/postgres-connection.js';

/** How a node stands among the others. */
export interface Standing {
  /** False when it was taken for dead. */
  readonly alive: boolean;
  readonly lastId: number;
  /** How many sub-tasks the others could take on. */
  readonly idle: number;
  /** Whether an operator lets it take nothing new. */
  readonly draining: boolean;
  /** The tasks of which operators let nothing new be taken. */
  readonly paused: readonly string[];
  /** The queues that operators let no node take from. */
  readonly pausedQueues: readonly string[];
  /** Whether transactions have asked this node, or one that is gone, for runs. */
  readonly requested: boolean;
  /** The nodes that were not seen for too long; they are gone now. */
  readonly gone: readonly string[];
}

/** How far this machine's clock may be from the database's before that is logged; ms. */
const MAX_SKEW_MS = 1_000;

/** What a node tells the others of itself. */
interface Condition {
  readonly freeSlots: number;
  /** What it knows: see `knownNames`. */
  readonly tasks: readonly string[];
  readonly lagMs: number;
}

interface Answer extends Omit<Standing, 'gone'> {
  readonly databaseMs: number;
}

/** The shortest time that a beat may take, however short the timeout of nodes is; ms. */
const PATIENCE_MS = 1_000;
/** The longest; ms. */
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

/** A node that commits meanwhile is seen, and stays: its row is locked by whichever comes first. */
const END_SILENT = `
  WITH gone AS (
    DELETE FROM nodes
    WHERE id <> $1 AND seen_at < clock_timestamp() - $2 * interval '1 ms' RETURNING id)
  SELECT id, pg_notify(current_schema(), json_build_array('left', id)::text) FROM gone`;

/**
 * Says that a node lives, over a connection that nothing else uses: readers that hold all others keep no beat waiting. After a
 * failure the next beat opens another connection.
 */
export class Heartbeat {
  private readonly logger = loggerOf('node');
  private client: Promise<pg.Client> | undefined;
  private isSkewed = false;
  private readonly version = version();
  private readonly config: pg.ClientConfig;

  /**
   * @param timeoutMs how long a node may not be seen before it counts as dead; a beat fails after half of it
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
      // Else the server goes on waiting for a lock for a beat that was given up.
      statement_timeout: patienceMs,
    };
  }

  /**
   * Says that this node lives, and ends those that were not seen for too long.
   *
   * @param canTell whether this node can tell who was away; it can't when it was away itself
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

  /** Once, until the clock is right again. */
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
    // The next beat learns of it by itself.
    client.on('error', () => undefined);
    await client.connect();
    // A beat is no promise to anybody, and waits for no standby.
    await client.query(`${searchPath(this.address)}; SET synchronous_commit = local`);
    return client;
  }
}
