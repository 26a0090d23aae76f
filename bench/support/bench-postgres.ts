import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { EmbeddedPostgres } from '../../test/support/embedded-postgres.ts';
import { cpuMicroseconds } from './process-usage.ts';

/** What Postgres has done for one database, and for all of them where it counts no other way. */
export interface Work {
  readonly events: number;
  readonly groups: number;
  readonly statements: number;
  readonly transactions: number;
  /** Of statements within functions too. */
  readonly rowsWritten: number;
  /** How long the function that commits a group ran, its `fsync` left out; ms. */
  readonly commitMs: number;
  /** Of tables and indexes, the queue's included. */
  readonly storedBytes: number;
  readonly walBytes: number;
  readonly syncs: number;
  readonly syncMs: number;
  readonly cpuMicroseconds: number;
}

const WORK = `
  SELECT s.calls::float AS statements, s.commit_ms AS "commitMs", d.xact_commit::float AS transactions,
    (d.tup_inserted + d.tup_updated + d.tup_deleted)::float AS "rowsWritten",
    pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float AS "walBytes",
    w.fsyncs::float AS syncs, w.fsync_time AS "syncMs"
  FROM pg_stat_database d,
    (SELECT sum(calls) AS calls, sum(total_exec_time) FILTER (WHERE query LIKE '%commit_group_%') AS commit_ms
      FROM pg_stat_statements JOIN pg_database ON oid = dbid WHERE datname = $1) AS s,
    (SELECT sum(fsyncs) AS fsyncs, sum(fsync_time) AS fsync_time FROM pg_stat_io WHERE object = 'wal') AS w
  WHERE d.datname = $1`;

const LOG = `
  SELECT last_id::float AS events, (SELECT sum(last_group)::float FROM frontrunner.nodes) AS groups,
    (SELECT sum(pg_total_relation_size(c.oid))::float FROM pg_class c
      WHERE relnamespace IN ('frontrunner'::regnamespace, 'frontrunner_queue'::regnamespace) AND relkind = 'r') AS "storedBytes"
  FROM frontrunner.log_head`;

/** A Postgres of the bench's own, as safe from a power cut as it comes, that counts what it does. */
export class BenchPostgres {
  readonly #server: EmbeddedPostgres;
  readonly #clients = new Map<string, pg.Client>();

  private constructor(server: EmbeddedPostgres) {
    this.#server = server;
  }

  /** @param directory where its data goes */
  static async start(directory: string): Promise<BenchPostgres> {
    // Run by root, it works as another user, who has to get there.
    chmodSync(directory, 0o755);
    const postgres = new BenchPostgres(await EmbeddedPostgres.start({ durable: true, directory }));
    await postgres.query('postgres', `ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'`);
    await postgres.query('postgres', 'ALTER SYSTEM SET track_wal_io_timing = on');
    await postgres.#disconnect();
    await postgres.#server.restart();
    await postgres.query('postgres', 'CREATE EXTENSION pg_stat_statements');
    return postgres;
  }

  async createDatabase(name: string): Promise<string> {
    await this.query('postgres', `CREATE DATABASE ${name}`);
    return this.#urlOf(name);
  }

  async query<Row extends object>(
    database: string,
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> {
    let client = this.#clients.get(database);
    if (!client) {
      client = new pg.Client(this.#urlOf(database));
      this.#clients.set(database, client);
      client.on('error', () => undefined);
      await client.connect();
    }
    return (await client.query<Row>(text, [...values])).rows;
  }

  async work(database: string): Promise<Work> {
    const [log] = await this.query<Pick<Work, 'events' | 'groups' | 'storedBytes'>>(database, LOG);
    const [work] = await this.query<Omit<Work, 'events' | 'groups' | 'storedBytes'>>('postgres', WORK, [
      database,
    ]);
    if (!log || !work) throw new Error(`Postgres knows nothing of ${database}.`);
    return { ...log, ...work, cpuMicroseconds: this.cpuMicroseconds };
  }

  /** CPU that all of its processes have used so far, those that have ended included. Linux only. */
  get cpuMicroseconds(): number {
    const { pid } = this.#server;
    if (pid === undefined) throw new Error('Postgres has ended.');
    return [pid, ...childrenOf(pid)].reduce((sum, each) => sum + cpuOf(each, each === pid), 0);
  }

  async stop(): Promise<void> {
    await this.#disconnect();
    await this.#server.stop();
  }

  async #disconnect(): Promise<void> {
    for (const client of this.#clients.values()) await client.end().catch(() => undefined);
    this.#clients.clear();
  }

  #urlOf(database: string): string {
    const url = new URL(this.#server.url);
    url.pathname = database;
    return url.href;
  }
}

export function difference(before: Work, after: Work): Work {
  const keys = Object.keys(after) as (keyof Work)[];
  return Object.fromEntries(keys.map((key) => [key, after[key] - before[key]])) as unknown as Work;
}

function childrenOf(pid: number): number[] {
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return ids.map(Number).filter((id) => parentOf(id) === pid);
}

/** Undefined for a process that has just ended. */
function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

/** Of one that has just ended its parent counts it. */
function cpuOf(pid: number, withEnded: boolean): number {
  try {
    return cpuMicroseconds(pid, withEnded);
  } catch (error) {
    if (withEnded) throw error;
    return 0;
  }
}
