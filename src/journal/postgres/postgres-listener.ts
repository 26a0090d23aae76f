import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { connectionConfig, searchPath, type PostgresAddress } from './postgres-connection.js';

/** Pause between a broken connection and the next one, in milliseconds. */
const RETRY_MS = 500;
/** How often an idle connection is tested, in milliseconds. */
const PROBE_MS = 5_000;

const TELL = `
  SELECT pg_notify(current_schema(), json_build_array('events', $1::text, $2::bigint)::text)
  WHERE EXISTS (SELECT FROM nodes WHERE id <> $1)`;

/**
 * What nodes tell each other, as JSON on a channel named after their schema. Notices only save time: the database has the same
 * information.
 */
export type Notice =
  | readonly ['events', node: string, lastId: number]
  /** A caller asks something of a run that `node` executes. */
  | readonly ['command', node: string]
  /** A run was erased. */
  | readonly ['erased', runId: string]
  /** A node has ended, and leaves its runs and sub-tasks to others. */
  | readonly ['left', node: string]
  /** A transaction that requested a run from `node` is committed. */
  | readonly ['requested', node: string]
  /** Webhooks were added, changed, removed or released, or deliveries were redriven. */
  | readonly ['webhooks', '']
  /** A node releases a run that it could not resume. */
  | readonly ['let-go', node: string];

/** The connection on which a node hears notices, and holds locks that only one node may have. */
export class PostgresListener {
  private client: pg.Client | undefined;
  private readonly firstConnection = Promise.withResolvers<undefined>();
  private holds = new Map<number, Promise<boolean>>();

  /**
   * @param hear called with each notice, and with undefined when some may have been missed
   * @param closing aborted when listening is to end
   */
  constructor(
    private readonly address: PostgresAddress,
    private readonly hear: (notice: Notice | undefined) => void,
    private readonly closing: AbortSignal,
  ) {}

  /** Resolves when the first connection listens. */
  get ready(): Promise<undefined> {
    return this.firstConnection.promise;
  }

  /** Listens until `closing` is aborted, on one connection after the other. */
  async listen(): Promise<void> {
    while (!this.isClosing()) {
      const client = new pg.Client({ ...connectionConfig(this.address.url), pipeline: true });
      try {
        await this.listenWith(client);
      } catch {
        // The writer reports problems of the database.
      }
      this.client = undefined;
      this.holds.clear();
      await client.end().catch(() => undefined);
      if (!this.isClosing()) await this.pause(RETRY_MS);
    }
  }

  /**
   * Takes a lock that only one node can hold. The lock is lost when the connection is lost.
   *
   * @param lock the number of the lock
   * @returns whether this node holds the lock
   */
  hold(lock: number): Promise<boolean> {
    const { client } = this;
    if (!client) return Promise.resolve(false);
    let held = this.holds.get(lock);
    if (!held) {
      held = this.tryLock(client, lock);
      this.holds.set(lock, held);
    }
    return held;
  }

  /** Tells the other nodes that events are committed. A node that misses the notice learns of the events with its next beat. */
  tell(node: string, lastId: number): void {
    this.client?.query(TELL, [node, lastId]).catch(() => undefined);
  }

  private async tryLock(client: pg.Client, lock: number): Promise<boolean> {
    try {
      const text = 'SELECT pg_try_advisory_lock(hashtext(current_schema()), $1) AS held';
      const { rows } = await client.query<{ held: boolean }>(text, [lock]);
      if (rows[0]?.held) return true;
    } catch {
      // The connection is broken, and will be replaced.
    }
    this.holds.delete(lock);
    return false;
  }

  private async listenWith(client: pg.Client): Promise<void> {
    const { promise: broken, resolve: breakOff } = Promise.withResolvers<undefined>();
    const end = (): void => {
      breakOff(undefined);
    };
    client.on('error', end);
    client.on('end', end);
    client.on('notification', ({ payload = '' }) => {
      this.hear(noticeOf(payload));
    });
    await client.connect();
    // Notices need no durability: a crash of the server loses them in any case.
    await client.query(`${searchPath(this.address)}; SET synchronous_commit = off`);
    await client.query(`LISTEN "${this.address.schema}"`);
    this.client = client;
    this.firstConnection.resolve(undefined);
    this.hear(undefined);
    while (!this.isClosing()) {
      const probe = new AbortController();
      const signal = AbortSignal.any([this.closing, probe.signal]);
      const isBroken = await Promise.race([
        broken.then(() => true),
        delay(PROBE_MS, false, { signal }).catch(() => false),
      ]);
      probe.abort();
      if (isBroken || this.isClosing()) return;
      await client.query('SELECT 1');
    }
  }

  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.closing }).catch(() => undefined);
  }

  private isClosing(): boolean {
    return this.closing.aborted;
  }
}

/** Undefined for a notice that isn't JSON, as newer nodes may send. */
function noticeOf(payload: string): Notice | undefined {
  try {
    return JSON.parse(payload) as Notice;
  } catch {
    return undefined;
  }
}
