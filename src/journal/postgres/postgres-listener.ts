import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { connectionConfig, searchPath, type PostgresAddress } from './postgres-connection.js';

/** Between a connection that broke and the next one. */
const RETRY_MS = 500;
/** How often a connection that says nothing is asked whether it still stands. */
const PROBE_MS = 5_000;

const TELL = `
  SELECT pg_notify(current_schema(), json_build_array('events', $1::text, $2::bigint)::text)
  WHERE EXISTS (SELECT FROM nodes WHERE id <> $1)`;

/** What nodes tell each other as JSON, on a channel with the name of their schema, and only to be quick: what it says is found in the database too. */
export type Notice =
  | readonly ['events', node: string, lastId: number]
  /** Somebody asks something of a run that `node` follows. */
  | readonly ['command', node: string]
  /** A run was erased. */
  | readonly ['erased', runId: string]
  /** A node has ended, and leaves what it had. */
  | readonly ['left', node: string]
  /** A transaction that asked `node` for a run is committed. */
  | readonly ['requested', node: string]
  /** Webhooks were added, changed, removed or let go, or deliveries redriven. */
  | readonly ['webhooks', '']
  /** A node leaves a run to the others that it could not resume. */
  | readonly ['let-go', node: string];

/** The connection that hears what other nodes tell, and holds what only one node may. */
export class PostgresListener {
  private client: pg.Client | undefined;
  private readonly firstConnection = Promise.withResolvers<undefined>();
  private holds = new Map<number, Promise<boolean>>();

  /**
   * @param hear called with each notice, and with nothing when some may have been missed
   * @param closing aborted when it is to end
   */
  constructor(
    private readonly address: PostgresAddress,
    private readonly hear: (notice: Notice | undefined) => void,
    private readonly closing: AbortSignal,
  ) {}

  /** Resolves when it hears for the first time. */
  get ready(): Promise<undefined> {
    return this.firstConnection.promise;
  }

  /** Resolves when the connection has come to its end for good. */
  async listen(): Promise<void> {
    while (!this.isClosing()) {
      const client = new pg.Client({ ...connectionConfig(this.address.url), pipeline: true });
      try {
        await this.listenWith(client);
      } catch {
        // The writer says what is wrong with the database.
      }
      this.client = undefined;
      this.holds.clear();
      await client.end().catch(() => undefined);
      if (!this.isClosing()) await this.pause(RETRY_MS);
    }
  }

  /** Whether this node holds a lock that one node may, by its number. It is lost when the connection is. */
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

  /** Tells the other nodes, if there are any, that events are committed. What gets lost they learn with their next beat. */
  tell(node: string, lastId: number): void {
    this.client?.query(TELL, [node, lastId]).catch(() => undefined);
  }

  private async tryLock(client: pg.Client, lock: number): Promise<boolean> {
    try {
      const text = 'SELECT pg_try_advisory_lock(hashtext(current_schema()), $1) AS held';
      const { rows } = await client.query<{ held: boolean }>(text, [lock]);
      if (rows[0]?.held) return true;
    } catch {
      // The connection breaks, and is made anew.
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
    // A notice is lost with the server in any case.
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

/** Undefined for what a newer node may tell. */
function noticeOf(payload: string): Notice | undefined {
  try {
    return JSON.parse(payload) as Notice;
  } catch {
    return undefined;
  }
}
