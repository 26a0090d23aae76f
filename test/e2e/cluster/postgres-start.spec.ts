import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Client } from 'pg';
import { EventBus } from '../../../src/events/event-bus.js';
import { DatabaseError } from '../../../src/journal/database-error.js';
import { PostgresJournal } from '../../../src/journal/postgres/postgres-journal.js';
import { SubTaskQueue } from '../../../src/journal/postgres/sub-task-queue.js';
import { Journal } from '../../../src/run/journal.js';
import { CommandLine } from '../../support/command-line.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import type { ShownRun } from '../../support/test-app.js';
import { ServiceProcess } from '../../support/service-process.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { TestCluster } from '../../support/test-cluster.js';

function open(url: string): Promise<PostgresJournal> {
  const options = {
    url,
    schema: 'frontrunner',
    role: 'all',
    retentionMs: 0,
    keyRetentionMs: 3_600_000,
  } as const;
  return PostgresJournal.open(options, new EventBus(new EventEmitter2()), new SubTaskQueue(options));
}

/** What the journal refuses to open a database with: a start says that and ends. */
async function refusal(url: string): Promise<string> {
  const error = await open(url).then(
    (journal) => journal.close(),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DatabaseError);
  return (error as DatabaseError).message;
}

describe('a start with Postgres', () => {
  const line = new CommandLine(temporaryDirectory(), 'nodes');
  let cluster: TestCluster;
  let url: string;
  beforeEach(async () => {
    cluster = new TestCluster();
    url = await cluster.url();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await cluster.end();
  });

  const changed = (change: (url: URL) => void): string => {
    const other = new URL(url);
    change(other);
    return other.href;
  };
  const OF_URL = /^DATABASE_URL: the database postgres:\/\/[^:@]*@127\.0\.0\.1:\d+\/\S+ /;

  test('makes its tables, once for all nodes that start at the same time', async () => {
    const [node] = await Promise.all([1, 2, 3].map(() => cluster.start()));
    expect((await node!.answer('demo')).result).toBe('First result');
    expect(await cluster.query('SELECT count(*)::int FROM frontrunner.nodes')).toEqual([{ count: 3 }]);
    await cluster.end();
    expect(await cluster.query('SELECT * FROM frontrunner.nodes')).toEqual([]);
  });

  test('makes a queue that waits no longer for a lock than its statements may take, on the server too', async () => {
    jest.replaceProperty(SubTaskQueue, 'answerMs', 1_000);
    const queue = new SubTaskQueue({ url, schema: 'frontrunner' });
    await queue.start();
    const holder = new Client(url);
    await holder.connect();
    try {
      await holder.query('BEGIN; LOCK TABLE frontrunner_queue.job IN ACCESS EXCLUSIVE MODE');
      const sent = queue.send([{ runId: 'r1', task: 'task', subTask: 'a', worker: false }]);
      await expect(sent).rejects.toThrow('canceling statement due to statement timeout');
      await holder.query('ROLLBACK');
    } finally {
      await holder.end();
      await queue.close();
    }
  });

  test('is refused with a database whose encoding lacks characters', async () => {
    const name = `latin_${new URL(url).pathname.slice(1)}`;
    await cluster.query(`CREATE DATABASE ${name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`);
    const message = await refusal(changed((to) => (to.pathname = `/${name}`)));
    expect(message).toMatch(/keeps texts as LATIN1.*ENCODING 'UTF8'/);
    await cluster.query(`DROP DATABASE ${name} WITH (FORCE)`);
  });

  test.each<[string, (url: URL) => void, RegExp]>([
    ['another password', (to) => (to.password = 'wrong'), /refuses the user or the password/],
    ['no such database', (to) => (to.pathname = '/nowhere'), /doesn’t exist; create it/],
  ])('is refused with %s, and nothing is said of the password', async (_what, change, message) => {
    const wrong = changed(change);
    const refused = await refusal(wrong);
    expect(refused).toMatch(message);
    expect(refused).toMatch(OF_URL);
    expect(refused).not.toContain(new URL(wrong).password);
  });

  test('that is refused says what is wrong, and nothing else', async () => {
    const wrong = changed((to) => (to.password = 'wrong'));
    const { code, stdout, stderr } = await ServiceProcess.run({ env: { DATABASE_URL: wrong } });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^\{[^\n]* starts: database [^\n]*\n$/);
    expect(stderr).toMatch(OF_URL);
    expect(stderr).toMatch(/ refuses the user or the password; [^\n]*\n$/);
    expect(stdout + stderr).not.toContain('wrong');
  });

  test('sees nothing of a service that has another schema of the same database', async () => {
    const task = new ControlledTask('ours', { here: {}, there: { placement: 'worker' } });
    const [one, other] = [
      await cluster.start(task.providers),
      await cluster.start(task.providers, { DATABASE_SCHEMA: 'other' }),
    ];
    const journals = [one, other].map(({ app }) => app.get<PostgresJournal>(Journal));
    expect(await Promise.all(journals.map((journal) => journal.sharing.leads()))).toEqual([true, true]);
    const runIds: string[] = [];
    for (const node of [one, other]) {
      const { body } = (await node.http
        .post('/tasks/ours/runs')
        .set({ 'Idempotency-Key': 'of-both', Prefer: 'respond-async' })
        .expect(202)) as { body: ShownRun };
      runIds.push(body.id);
      // Else the node of the other service could have either of them.
      const { here, there } = await task.all();
      here.succeed();
      there.succeed();
      expect((await node.finishedRun(body.id)).status).toBe('succeeded');
      const { body: page } = (await node.http.get('/runs')) as { body: { runs: ShownRun[] } };
      expect(page.runs.map(({ id }) => id)).toEqual([body.id]);
    }
    expect(new Set(runIds).size).toBe(2);
    const notices: unknown[] = [];
    const heard = new Promise((resolve) =>
      journals[1]!.notices.subscribe((notice) => resolve(notices.push(notice))),
    );
    await cluster.stop(one);
    await cluster.query(`SELECT pg_notify('other', '["left","somebody"]')`);
    await heard;
    expect(notices).toEqual([['left', 'somebody']]);
    expect(await cluster.query('SELECT id FROM other.nodes')).toEqual([{ id: journals[1]!.sharing.nodeId }]);
    const { stdout } = await line.run(['list'], {
      env: { DATABASE_URL: url, DATABASE_SCHEMA: 'other' },
    });
    expect(stdout).toContain(journals[1]!.sharing.nodeId);
    const { stderr } = await line.run(['list'], { env: { DATABASE_URL: url, DATABASE_SCHEMA: 'nobody' } });
    expect(stderr).toMatch(/has nothing of the service in the schema nobody; .*correct DATABASE_SCHEMA/);
  });

  test('waits for a server that is not there yet, and says so', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, 'close');
    const service = ServiceProcess.begin({
      env: { DATABASE_URL: changed((to) => (to.port = String(port))) },
    });
    await service.line(/^Waiting for the database, up to 30 s: .* nothing listens there/);
    const proxy = await TcpProxy.start(url, port);
    await service.line(/^Listening/);
    expect(service.lines.map(({ msg }) => msg).filter((msg) => msg.includes('atabase'))).toEqual([
      expect.stringMatching(/^Frontrunner \S+ starts: database postgres:\S+, role all/),
      expect.stringMatching(/^Waiting for the database, up to 30 s/),
      expect.stringMatching(/^The database is there after \d+ s$/),
    ]);
    expect(await service.stop()).toBe(0);
    await proxy.close();
  });

  test('is refused with tables of before events were kept as rows of commits', async () => {
    await (await open(url)).close();
    await cluster.query(`UPDATE frontrunner.kysely_migration SET name = '0001-log' WHERE name LIKE '0001%'`);
    await cluster.query(
      `INSERT INTO frontrunner.kysely_migration VALUES ('0002-nodes', '2026-01-01T00:00:00.000Z')`,
    );
    expect(await refusal(url)).toMatch(
      /has tables of an earlier version \(0001-log\), .* set DATABASE_SCHEMA to another name, or .* DROP SCHEMA frontrunner, frontrunner_queue CASCADE/,
    );
  });

  test('goes on with tables that a newer version has migrated, as long as those allow it', async () => {
    await (await open(url)).close();
    await cluster.query(
      `INSERT INTO frontrunner.kysely_migration VALUES ('0099-of-tomorrow', '2027-01-01T00:00:00.000Z')`,
    );
    const old = await cluster.start();
    expect((await old.answer('demo')).result).toBe('First result');
    await cluster.query('UPDATE frontrunner.compatibility SET minimum = 99');
    expect(await refusal(url)).toMatch(
      /was migrated by a newer version \(0099-of-tomorrow\) and needs nodes of version 99/,
    );
  });
});
