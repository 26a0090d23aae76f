import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Kysely, PostgresDialect } from 'kysely';
import { Client, Pool } from 'pg';
import { z } from 'zod';
import { Heartbeat } from '../../../src/cluster/heartbeat.js';
import { StartInTransaction } from '../../../src/cluster/start-in-transaction.js';
import type { CallerTransaction } from '../../../src/core/caller-transaction.js';
import { DomainError } from '../../../src/core/domain-error.js';
import type { PostgresJournal } from '../../../src/journal/postgres/postgres-journal.js';
import { Journal } from '../../../src/run/journal.js';
import { Runs } from '../../../src/run/runs.js';
import { TaskRegistry } from '../../../src/tasks/task-registry.js';
import { TasksService } from '../../../src/tasks/tasks.service.js';
import type { StartedRun } from '../../../src/tasks/started-run.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { temporaryDatabase } from '../../support/postgres-database.js';
import type { TestApp } from '../../support/test-app.js';
import { TestCluster } from '../../support/test-cluster.js';

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its object below
const { beat } = Heartbeat.prototype;

/** Holds up whoever checks an input next. */
let gate: { readonly reached: () => void; readonly opened: Promise<unknown> } | undefined;
const passGate = async (): Promise<boolean> => {
  const passed = gate;
  gate = undefined;
  passed?.reached();
  await passed?.opened;
  return true;
};
const order = new ControlledTask(
  'order',
  { charge: {} },
  { input: z.object({ id: z.int() }).refine(passGate) },
);
const parcel = new ControlledTask('parcel', { send: {} });

describe('a run of a transaction', () => {
  const cluster = new TestCluster();
  let node: TestApp;
  let client: Client;
  beforeAll(async () => {
    node = await cluster.start([...order.providers, ...parcel.providers]);
  });
  beforeEach(async () => {
    client = new Client(await cluster.url());
    await client.connect();
    await client.query('BEGIN');
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await client.end();
    expect(await cluster.query('SELECT id FROM frontrunner.requested_runs')).toEqual([]);
  });
  afterAll(() => cluster.end());

  const ask = (input: unknown = { id: 1 }, transaction: CallerTransaction = client, at = node) =>
    at.app.get(StartInTransaction).start('order', { input } as object, { clientId: 'shop:1' }, transaction);
  const reply = (run: StartedRun) => node.app.get(TasksService).reply(run);
  const starts = (runId: string) =>
    cluster.query(`SELECT id FROM frontrunner.events WHERE run_id = $1 AND type = 'run.started'`, [runId]);
  const commit = () => client.query('COMMIT');
  /** Ends the run that began. */
  const charge = async (result: string): Promise<unknown> => {
    const attempt = await order.next('charge');
    attempt.succeed(result);
    return attempt.input;
  };

  test('is there for nobody before the commit, and begins once right after it, with the id that its caller has', async () => {
    const run = await ask({ id: 7 });
    await node.http.get(`/runs/${run.runId}`).expect(404);
    // Nothing but the commit tells the node.
    const held = Promise.withResolvers<undefined>();
    jest.spyOn(Heartbeat.prototype, 'beat').mockImplementation(async function (this: Heartbeat, ...args) {
      await held.promise;
      return beat.apply(this, args);
    });
    await commit();
    expect(await charge('charged')).toEqual({ id: 7 });
    held.resolve(undefined);
    expect(await node.finishedRun(run.runId)).toMatchObject({
      id: run.runId,
      status: 'succeeded',
      reply: { result: 'charged' },
    });
    expect(await reply(run)).toMatchObject({ result: 'charged', answeredBy: 'charge' });
    expect(await starts(run.runId)).toHaveLength(1);
    expect(await node.event(run.runId, 'run.started')).toMatchObject({ client: 'shop:1' });
  });

  test('is there for nobody after a rollback, which is told to whoever waits for its reply', async () => {
    const run = await ask();
    const waiting = expect(reply(run)).rejects.toMatchObject({ code: 'run-unknown' });
    await client.query('ROLLBACK');
    await waiting;
    expect(await starts(run.runId)).toEqual([]);
  });

  test('goes with the savepoint that it was asked for behind', async () => {
    const kept = await ask();
    await client.query('SAVEPOINT here');
    const undone = await ask();
    await client.query('ROLLBACK TO SAVEPOINT here');
    await commit();
    await expect(reply(undone)).rejects.toMatchObject({ code: 'run-unknown' });
    await charge('kept');
    expect(await reply(kept)).toMatchObject({ result: 'kept' });
  });

  test('keeps those who wait for its reply waiting for the commit, as long as they like', async () => {
    const run = await ask();
    expect(await node.app.get(TasksService).reply(run, 10)).toBeUndefined();
    const waiting = reply(run);
    await commit();
    await charge('at last');
    expect(await waiting).toMatchObject({ result: 'at last' });
  });

  test('begins with many others, each once', async () => {
    const runs: StartedRun[] = [];
    for (let id = 0; id < 50; id += 1) runs.push(await ask({ id }));
    await commit();
    const charged = [];
    for (const { runId } of runs) {
      charged.push(await charge('one of many'));
      await node.event(runId, 'run.started');
    }
    expect(charged).toEqual(runs.map((_run, id) => ({ id })));
    for (const { runId } of runs) await node.finishedRun(runId);
    const started = node.events.filter(({ type }) => type === 'run.started').map(({ runId }) => runId);
    expect(started.filter((id) => runs.some(({ runId }) => runId === id))).toHaveLength(50);
  });

  test('is refused as any other is, and the transaction goes on', async () => {
    await expect(ask({ id: 'seven' })).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(node.app.get(StartInTransaction).start('nothing', {}, {}, client)).rejects.toMatchObject({
      code: 'task-unknown',
    });
    await commit();
  });

  test('is refused outside of a transaction', async () => {
    const pool = new Pool({ connectionString: await cluster.url() });
    await client.query('ROLLBACK');
    for (const given of [client, pool])
      await expect(ask({ id: 1 }, given)).rejects.toMatchObject({
        code: 'transaction-unusable',
        message: expect.stringMatching(/give it the client that has said BEGIN, .* not a pool/),
      });
    await pool.end();
  });

  test('is refused on another database', async () => {
    const other = new Client(await temporaryDatabase());
    await other.connect();
    const refused = async () => {
      await other.query('BEGIN');
      await expect(ask({ id: 1 }, other)).rejects.toMatchObject({
        code: 'transaction-unusable',
        message: expect.stringMatching(/use a connection to the same database/),
      });
      await other.query('ROLLBACK');
    };
    await refused();
    // One that other nodes have.
    await other.query(`
      CREATE SCHEMA frontrunner; CREATE TABLE frontrunner.nodes (id text);
      CREATE TABLE frontrunner.requested_runs (id text, task text, node text, terms text)`);
    await refused();
    await other.end();
  });

  test('is refused to a user who may not ask for it, until the grants are given that the message names', async () => {
    const user = `shop_${node.url.split(':').at(-1)}`;
    await cluster.query(`CREATE ROLE ${user}`);
    await client.query(`SET LOCAL ROLE ${user}`);
    const refusal = await ask().catch((error: unknown) => error as Error);
    expect(refusal).toMatchObject({ code: 'transaction-unusable' });
    const [, grants = ''] = /(GRANT.*)$/.exec((refusal as Error).message)!;
    await client.query('ROLLBACK');
    await cluster.query(grants.replaceAll('<user>', user));
    await client.query('BEGIN');
    await client.query(`SET LOCAL ROLE ${user}`);
    const run = await ask();
    await commit();
    await charge('granted');
    expect(await reply(run)).toMatchObject({ result: 'granted' });
    await cluster.query(`DROP OWNED BY ${user}; DROP ROLE ${user}`);
  });

  test('begins and ends with one of Kysely', async () => {
    const pool = new Pool({ connectionString: await cluster.url() });
    const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }) });
    const run = await db.transaction().execute((transaction) => ask({ id: 2 }, transaction));
    await charge('by Kysely');
    expect(await reply(run)).toMatchObject({ result: 'by Kysely' });
    await expect(ask({ id: 2 }, db)).rejects.toMatchObject({ code: 'transaction-unusable' });
    await db.destroy();
  });

  test('waits in the database while there is no room for it', async () => {
    jest.spyOn(node.app.get(Runs), 'start').mockImplementationOnce(() => {
      throw new DomainError('overloaded', 'full');
    });
    const run = await ask();
    await commit();
    await node.log.said(({ msg }) => msg.includes('can’t begin, which is tried again: full'));
    await charge('later');
    expect(await reply(run)).toMatchObject({ result: 'later' });
  });

  test('waits in the database while its task is paused', async () => {
    const run = await ask();
    await cluster.query(`INSERT INTO frontrunner.paused_tasks (task) VALUES ('order')`);
    const other = await node.app.get(StartInTransaction).start('parcel', {}, {}, client);
    await commit();
    (await parcel.next('send')).succeed();
    await reply(other);
    expect(await starts(run.runId)).toEqual([]);
    await cluster.query('DELETE FROM frontrunner.paused_tasks');
    await charge('when it is resumed');
    expect(await reply(run)).toMatchObject({ result: 'when it is resumed' });
  });

  test('fails where it fits the task no more that was changed before the commit', async () => {
    const registry = node.app.get(TaskRegistry);
    const task = registry.get('order');
    const run = await ask();
    try {
      registry.replace([task], [[{ ...task, input: z.string() }, 'a file']]);
      await commit();
      await expect(reply(run)).rejects.toMatchObject({ code: 'run-failed' });
      expect(await node.finishedRun(run.runId)).toMatchObject({
        status: 'failed',
        subTasks: [{ attempts: 0, error: { code: 'input-unfit' } }],
      });
    } finally {
      registry.replace([registry.get('order')], [[task, 'a class']]);
    }
  });

  describe('with another node', () => {
    let other: TestApp;
    // What both log is in its log: Nest has one logger.
    beforeAll(async () => {
      other = await cluster.start(order.providers);
    });

    /** Which node has started a run. */
    const starter = (runId: string) =>
      Promise.race([node, other].map((one) => one.event(runId, 'run.started').then(() => one)));

    test('begins at the one that took it', async () => {
      const runs = [await ask(), await ask({ id: 2 }, client, other)];
      await commit();
      const starters = await Promise.all(runs.map(({ runId }) => starter(runId)));
      expect(starters.map((one) => one === node)).toEqual([true, false]);
      await charge('each');
      await charge('each');
      for (const run of runs) expect(await reply(run)).toMatchObject({ result: 'each' });
    });

    test('begins at the other one while its own is drained', async () => {
      const run = await ask();
      await cluster.query('UPDATE frontrunner.nodes SET draining = true WHERE id = $1', [cluster.idOf(node)]);
      await other.log.said(({ msg }) => msg.startsWith('Drained'));
      await commit();
      expect((await starter(run.runId)) === other).toBe(true);
      await charge('elsewhere');
      expect(await reply(run)).toMatchObject({ result: 'elsewhere' });
      await cluster.query('UPDATE frontrunner.nodes SET draining = false');
      await other.log.said(({ msg }) => msg.startsWith('This node takes runs again'));
    });

    test('begins at the other one when its own takes work alone', async () => {
      jest.replaceProperty(other.app.get<PostgresJournal>(Journal).options, 'role', 'worker');
      const run = await ask();
      await client.query('UPDATE frontrunner.requested_runs SET node = $1', [cluster.idOf(other)]);
      await commit();
      expect((await starter(run.runId)) === node).toBe(true);
      await charge('given away');
      expect(await reply(run)).toMatchObject({ result: 'given away' });
    });

    test('begins once, at the other one, when its own is taken for dead between its claim and its start', async () => {
      const run = await ask();
      const held = Promise.withResolvers<undefined>();
      const reached = new Promise<void>((resolve) => {
        gate = { reached: resolve, opened: held.promise };
      });
      await commit();
      await reached;
      const rejoined = other.log.said(({ msg }) => msg.includes('has joined the others again'));
      await cluster.takeForDead(node);
      expect((await starter(run.runId)) === other).toBe(true);
      await rejoined;
      held.resolve(undefined);
      // One that begins when it has got over that.
      await client.query('BEGIN');
      const next = await ask({ id: 2 });
      await commit();
      await starter(next.runId);
      for (const each of [run, next]) {
        await charge('once');
        expect(await starts(each.runId)).toHaveLength(1);
      }
      expect(await reply(run)).toMatchObject({ result: 'once' });
      expect(await reply(next)).toMatchObject({ result: 'once' });
    });

    test('begins at the other one when its own has gone before the commit', async () => {
      const run = await ask({ id: 1 }, client, other);
      await cluster.stop(other);
      await commit();
      await node.event(run.runId, 'run.started');
      await charge('inherited');
      expect(await node.finishedRun(run.runId)).toMatchObject({ reply: { result: 'inherited' } });
    });
  });
});
