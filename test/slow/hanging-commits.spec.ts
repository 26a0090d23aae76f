import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Client } from 'pg';
import { GroupCommit } from '../../src/journal/group-commit.js';
import { PostgresWriter } from '../../src/journal/postgres/postgres-writer.js';
import { EmbeddedPostgres } from '../support/embedded-postgres.ts';
import { activeResources, expectNothingLeft } from '../support/resources.js';
import { TestApp } from '../support/test-app.js';

describe('while the database hangs, as commits do with a synchronous standby that is away, a node', () => {
  let resources: readonly string[];
  let postgres: EmbeddedPostgres;
  let node: TestApp;
  let client: Client;
  beforeEach(async () => {
    resources = await activeResources();
    postgres = await EmbeddedPostgres.start();
    jest.replaceProperty(PostgresWriter, 'answerMs', 700);
    jest.replaceProperty(GroupCommit, 'slowMs', 300);
    const env = { DATABASE_URL: postgres.url, SHUTDOWN_GRACE: '0ms' };
    node = await TestApp.start({ env, amongOthers: true });
    client = new Client(postgres.url);
    await client.connect();
  }, 60_000);
  afterEach(async () => {
    jest.restoreAllMocks();
    await node.close();
    await client.end();
    await postgres.stop();
    await expectNothingLeft(resources);
  });

  const standby = async (name: string): Promise<void> => {
    await client.query(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`);
    await client.query('SELECT pg_reload_conf()');
  };
  const ready = async () => (await node.http.get('/health/ready')).status;
  const backends = async () =>
    (
      await client.query<{ pid: number; waits: boolean }>(`
        SELECT pid, wait_event = 'SyncRep' AS waits FROM pg_stat_activity WHERE application_name = 'frontrunner'`)
    ).rows;

  test('says so of reads that hang as well, answers them with 503, and leaves nothing of them on the server', async () => {
    await node.answer('demo');
    const before = (await backends()).length;
    await client.query('BEGIN; LOCK TABLE frontrunner.runs IN ACCESS EXCLUSIVE MODE');
    const reads = Array.from({ length: 30 }, () => node.http.get('/runs'));
    for (const { status } of await Promise.all(reads)) expect(status).toBe(503);
    expect(await ready()).toBe(503);
    const hanging = await client.query(
      `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%SELECT number, id%'`,
    );
    expect(hanging.rows).toEqual([]);
    // Ten for readers.
    expect((await backends()).length).toBeLessThanOrEqual(before + 10);
    await client.query('ROLLBACK');
    await node.http.get('/runs').expect(200);
    expect(await ready()).toBe(200);
  }, 60_000);

  test('says that it isn’t ready, opens no more connections, and answers when they go on, not before', async () => {
    const before = (await backends()).length;
    await standby('missing');
    const answer = node.answer('demo');
    const isAnswered = answer.then(() => true);
    while ((await ready()) !== 503);
    const tried = new Set<number>();
    while (tried.size < 7) for (const { pid, waits } of await backends()) if (waits) tried.add(pid);
    // One more ends the one that was given up.
    expect((await backends()).length).toBeLessThanOrEqual(before + 3);
    expect(await Promise.race([isAnswered, Promise.resolve(false)])).toBe(false);
    await standby('');
    expect((await answer).result).toBe('First result');
    while ((await ready()) !== 200);
  }, 60_000);
});
