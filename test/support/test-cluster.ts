import type { Type } from '@nestjs/common';
import { Client } from 'pg';
import { Journal } from '../../src/run/journal.js';
import type { PostgresJournal } from '../../src/journal/postgres/postgres-journal.js';
import { temporaryDatabase } from './postgres-database.js';
import { activeResources, expectNothingLeft } from './resources.js';
import { TestApp } from './test-app.js';

/** Nodes that share a database, all in this process. */
export class TestCluster {
  readonly nodes: TestApp[] = [];
  private database: string | undefined;
  private resourcesBefore: readonly string[] | undefined;

  /** The URL of the database, made when it is first asked for. */
  async url(): Promise<string> {
    return (this.database ??= await temporaryDatabase());
  }

  /** Starts a node; a stop leaves at once what is unfinished. */
  async start(providers: readonly Type[] = [], env: Readonly<Record<string, string>> = {}): Promise<TestApp> {
    const url = await this.url();
    this.resourcesBefore ??= await activeResources();
    const node = await TestApp.start({
      amongOthers: true,
      env: { DATABASE_URL: url, SHUTDOWN_GRACE: '0ms', NODE_TIMEOUT: '1h', ...env },
      providers: [...providers],
    });
    this.nodes.push(node);
    return node;
  }

  /** Asks the database. */
  async query<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const client = new Client(await this.url());
    await client.connect();
    try {
      return (await client.query<Row>(sql, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  /** Lets all nodes believe that one of them has died, and that one too at its next word to the database. @param isDone called before they are told */
  async takeForDead(node: TestApp, isDone: () => void = () => undefined): Promise<void> {
    const id = this.idOf(node);
    await this.query('DELETE FROM frontrunner.nodes WHERE id = $1', [id]);
    isDone();
    await this.query(`SELECT pg_notify('frontrunner', $1)`, [JSON.stringify(['left', id])]);
  }

  /** Stops a node. */
  async stop(node: TestApp): Promise<void> {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    await node.close();
  }

  /** Stops all, and proves that nothing of them is left. */
  async end(): Promise<void> {
    for (const node of this.nodes.splice(0)) await node.close();
    if (this.resourcesBefore) await expectNothingLeft(this.resourcesBefore);
  }

  idOf(node: TestApp): string {
    return node.app.get<PostgresJournal>(Journal).sharing.nodeId;
  }
}
