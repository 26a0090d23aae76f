import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, types, type CustomTypesConfig } from 'pg';
import type { ClusterFaultName } from '../crash/faults.ts';
import { count, type LogDatabase } from '../crash/log-proof.ts';
import { EmbeddedPostgres } from '../support/embedded-postgres.ts';
import { Node, type Tally } from './node.ts';

const NODES = 3;
const TABLES = [
  'commits',
  'open_runs',
  'late_commits',
  'runs',
  'placed',
  'waiting_runs',
  'commands',
  'nodes',
  'idempotency_keys',
  'webhooks',
  'webhook_deliveries',
  'job',
];

interface Options {
  /** Where nodes keep the traces of their sub-tasks. */
  readonly directory: string;
  /** What all nodes are started with besides what is their own. */
  readonly env: Readonly<Record<string, string>>;
  readonly fault: ClusterFaultName | undefined;
}

/** Reads `bigint` as a number. */
const numbers: CustomTypesConfig = {
  getTypeParser: (...asked: Parameters<typeof types.getTypeParser>) =>
    asked[0] === types.builtins.INT8 ? Number : (types.getTypeParser(...asked) as () => unknown),
};

/** Nodes that share a Postgres of their own, each by a network of its own. */
export class Cluster implements LogDatabase {
  readonly nodes: Node[] = [];
  readonly tally: Tally = { lost: 0, takenOver: 0, waited: 0, failovers: 0 };
  #postgres: EmbeddedPostgres;

  private constructor(postgres: EmbeddedPostgres) {
    this.#postgres = postgres;
  }

  /** Resolves when all of it is there. */
  static async start({ directory, env, fault }: Options): Promise<Cluster> {
    const postgres = await EmbeddedPostgres.start();
    const cluster = new Cluster(postgres);
    const { url } = postgres;
    try {
      for (let place = 0; place < NODES; place += 1)
        cluster.nodes.push(
          await Node.open(`node-${String(place)}`, { directory, url, env, fault }, cluster.tally),
        );
      await Promise.all(cluster.nodes.map((node, index) => node.start({ role: 'all', newer: index === 0 })));
      return cluster;
    } catch (error) {
      await cluster.end();
      throw error;
    }
  }

  get postgres(): EmbeddedPostgres {
    return this.#postgres;
  }

  /** Gives Postgres a standby without which nothing is committed; kills it then, and lets the standby take its place. */
  async failOver(afterMs: number): Promise<void> {
    const primary = this.#postgres;
    const standby = await EmbeddedPostgres.start({ primary });
    await this.rows("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await this.rows('SELECT pg_reload_conf()');
    const isSync = "SELECT count(*) AS count FROM pg_stat_replication WHERE sync_state = 'sync'";
    while ((await count(this, isSync)) === 0) await sleep(50);
    await sleep(afterMs);
    await primary.kill();
    this.#postgres = standby;
    await this.rows('SELECT pg_promote()');
    for (const { proxy } of this.nodes) proxy.redirect(standby.url);
    await primary.stop();
    this.tally.failovers += 1;
  }

  /** Of the nodes that listen. */
  get urls(): readonly string[] {
    return this.nodes.flatMap(({ url }) => url ?? []);
  }

  /** What the tables of the journal say, whatever the nodes do meanwhile. */
  async rows<Row>(sql: string): Promise<Row[]> {
    const client = new Client({ connectionString: this.postgres.url, types: numbers });
    client.on('error', () => undefined);
    await client.connect();
    try {
      await client.query('SET search_path = frontrunner, frontrunner_queue');
      return (await client.query(sql)).rows as Row[];
    } finally {
      await client.end();
    }
  }

  /** Asks the tables until Postgres answers. */
  async insist<Answer>(ask: (tables: LogDatabase) => Promise<Answer>): Promise<Answer> {
    for (;;) {
      try {
        return await ask(this);
      } catch {
        await sleep(50);
      }
    }
  }

  /** Asks until it is so; false when it isn't within `patienceMs`. */
  async until(isSo: () => Promise<boolean>, patienceMs: number): Promise<boolean> {
    const until = performance.now() + patienceMs;
    while (!(await isSo())) {
      if (performance.now() > until) return false;
      await sleep(50);
    }
    return true;
  }

  /** Writes what the tables hold to files in their directory. */
  async dump(directory: string): Promise<void> {
    for (const table of TABLES) {
      const rows = await this.rows(`SELECT * FROM ${table}`);
      writeFileSync(
        join(directory, `${table}.jsonl`),
        rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
      );
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await Promise.all(this.nodes.map(({ proxy }) => proxy.close()));
    await this.#postgres.stop();
  }
}
