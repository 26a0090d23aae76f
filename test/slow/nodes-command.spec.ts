import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { PostgresJournal } from '../../src/journal/postgres/postgres-journal.js';
import { SubTaskQueue } from '../../src/journal/postgres/sub-task-queue.js';
import { Journal } from '../../src/run/journal.js';
import { CommandLine } from '../support/command-line.js';
import { ControlledTask } from '../support/controlled-task.js';
import { temporaryDatabase } from '../support/postgres-database.js';
import { expectProblem } from '../support/problem.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import type { ShownRun, TestApp } from '../support/test-app.js';
import { TestCluster } from '../support/test-cluster.js';

describe('frontrunner nodes', () => {
  const line = new CommandLine(temporaryDirectory(), 'nodes');
  let cluster: TestCluster;
  let task: ControlledTask<'fast' | 'slow'>;
  let node: TestApp;
  beforeEach(async () => {
    cluster = new TestCluster();
    task = new ControlledTask('race', { fast: {}, slow: {} });
    node = await cluster.start(task.providers);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await cluster.end();
  });

  const nodes = async (...args: string[]) => line.run(args, { env: { DATABASE_URL: await cluster.url() } });
  const status = async () => (await node.http.get('/health/ready')).status;
  const start = async (): Promise<string> => {
    const { body } = (await node.http
      .post('/tasks/race/runs')
      .set('Prefer', 'respond-async')
      .expect(202)) as { body: unknown };
    return (body as ShownRun).id;
  };

  test('lists the nodes, and lets one take nothing new while what it has goes on', async () => {
    const id = cluster.idOf(node);
    const runId = await start();
    const { fast, slow } = await task.all();
    expect((await nodes('drain', id)).stdout).toBe(`${id} takes nothing new\n`);
    while ((await status()) !== 503);
    await expectProblem(node, await node.run('race'), 503, 'overloaded');
    expect((await nodes('list')).stdout).toMatch(
      new RegExp(`^NODE +ROLE .*\n${id}  all   draining +1 +\\d+ +\\d+ ms ago +-?\\d+ ms +\\d+ ms\n$`),
    );
    fast.succeed('fast');
    slow.succeed();
    expect((await node.finishedRun(runId)).status).toBe('succeeded');
    await nodes('undrain', id);
    while ((await status()) !== 200);
    await start();
    await task.all();
  });

  test('lets no node take runs of a paused task, nor its sub-tasks that left their node', async () => {
    const far = new ControlledTask('far', { only: { placement: 'worker' } });
    const api = await cluster.start(far.providers, { ROLE: 'api' });
    const { body } = (await api.http.post('/tasks/far/runs').set('Prefer', 'respond-async').expect(202)) as {
      body: unknown;
    };
    await nodes('pause', 'far');
    const worker = await cluster.start(far.providers, { ROLE: 'worker' });
    const isPaused = async (at: TestApp) => {
      await cluster.query('SELECT');
      return at.app.get<PostgresJournal>(Journal).sharing.paused.has('far');
    };
    for (const at of [api, worker]) while (!(await isPaused(at)));
    await expectProblem(api, await api.run('far'), 503, 'overloaded');
    expect((await nodes('figures')).stdout).toMatch(/^unfinished runs +1\n(.*\n)*paused tasks +far\n$/m);
    expect(await cluster.query('SELECT FROM frontrunner.placed WHERE node IS NULL')).toHaveLength(1);
    await nodes('resume', 'far');
    (await far.next('only')).succeed();
    await api.finishedRun((body as ShownRun).id);
    while (await isPaused(api));
  });

  test('lets no node take deliveries from a paused queue', async () => {
    const far = new ControlledTask('far', { only: { placement: 'worker' } });
    const api = await cluster.start(far.providers, { ROLE: 'api' });
    expect((await nodes('pause', '--queue', 'worker-sub-tasks')).stdout).toMatch(/takes deliveries from/);
    const work = jest.spyOn(SubTaskQueue.prototype, 'work');
    const worker = await cluster.start(far.providers, { ROLE: 'worker' });
    expect(work.mock.calls.at(-1)?.[0]).toEqual(['sub-tasks']);
    const { body } = (await api.http.post('/tasks/far/runs').set('Prefer', 'respond-async').expect(202)) as {
      body: unknown;
    };
    expect((await nodes('figures')).stdout).toMatch(/^paused queues +worker-sub-tasks$/m);
    expect(await cluster.query('SELECT FROM frontrunner.placed WHERE node IS NULL')).toHaveLength(1);
    await nodes('resume', '--queue', 'worker-sub-tasks');
    (await far.next('only')).succeed();
    await api.finishedRun((body as ShownRun).id);
    await cluster.stop(worker);
  });

  test('cancels the unfinished runs of a task, and retries those that failed', async () => {
    const [cancelled, failed] = [await start(), await start()];
    const ofOne = await task.all();
    const ofOther = await task.all();
    const ended = [ofOne, ofOther].find(({ fast }) => fast.context.runId === failed)!;
    ended.fast.fail(new Error('no'));
    ended.slow.fail(new Error('no'));
    await node.finishedRun(failed);
    expect((await nodes('cancel', 'race', '--older-than', '1h')).stdout).toBe('0 runs are to be cancelled\n');
    expect((await nodes('cancel', '--status', 'set-aside')).stdout).toMatch(/^0 /);
    expect((await nodes('cancel', '--node', 'another')).stdout).toMatch(/^0 /);
    const ofNode = ['cancel', 'race', '--status', 'running', '--node', cluster.idOf(node)];
    expect((await nodes(...ofNode)).stdout).toBe('1 runs are to be cancelled\n');
    expect((await node.finishedRun(cancelled)).status).toBe('cancelled');
    expect((await nodes('retry', '--status', 'partly-failed')).stdout).toMatch(/^0 /);
    expect((await nodes('retry', '--status', 'failed')).stdout).toBe('1 runs are to be retried\n');
    const { fast, slow } = await task.all();
    expect([fast.context, slow.context]).toMatchObject([
      { runId: failed, attempt: 2 },
      { runId: failed, attempt: 2 },
    ]);
    fast.succeed();
    slow.succeed();
    while ((await node.showRun(failed)).status !== 'succeeded');
  });

  test.each([
    [['drain', 'nobody'], /no node nobody/],
    [['resume', 'race'], /not paused/],
    [['drain'], /--help/],
    [['list', 'all'], /--help/],
    [['pause', 'race', '--older-than', '1h'], /--help/],
    [['cancel', 'race', '--older-than', 'long'], /--older-than takes a duration/],
    [['explode'], /--help/],
    [['cancel'], /--help/],
    [['pause', 'nothing'], /No node knows the task nothing/],
    [['pause', '--queue', 'nothing'], /--queue takes sub-tasks or worker-sub-tasks/],
    [['pause', 'race', '--queue', 'sub-tasks'], /not both/],
    [['cancel', '--status', 'failed'], /--status takes running or set-aside/],
    [['retry', '--node', 'some'], /--help/],
  ])('is refused with %j', async (args, refusal) => {
    const { code, stdout, stderr } = await nodes(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(refusal);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  test('is refused with a database that no node was started on', async () => {
    const { code, stderr } = await line.run(['list'], { env: { DATABASE_URL: await temporaryDatabase() } });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('start a node on it first'),
    });
  });

  test('says what it takes', async () => {
    const { code, stdout } = await nodes('--help');
    expect(code).toBe(0);
    for (const word of ['drain', 'pause', 'cancel', 'retry', 'DATABASE_URL']) expect(stdout).toContain(word);
  });
});
