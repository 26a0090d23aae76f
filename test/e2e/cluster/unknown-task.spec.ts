import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Takeover } from '../../../src/cluster/takeover.js';
import { TaskRegistry } from '../../../src/tasks/task-registry.js';
import { CommandLine } from '../../support/command-line.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import type { ShownRun, TestApp } from '../../support/test-app.js';
import { TestCluster } from '../../support/test-cluster.js';

describe('a run that only a newer node can go on with', () => {
  const line = new CommandLine(temporaryDirectory(), 'queue');
  let cluster: TestCluster;
  let task: ControlledTask<'fast' | 'slow'>;
  beforeEach(() => {
    cluster = new TestCluster();
    task = new ControlledTask('newer', { fast: {}, slow: {} });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await cluster.end();
  });

  const start = async (node: TestApp): Promise<string> => {
    const { body } = (await node.http
      .post('/tasks/newer/runs')
      .set('Prefer', 'respond-async')
      .expect(202)) as { body: unknown };
    return (body as ShownRun).id;
  };
  const finish = async (): Promise<void> => {
    const { fast, slow } = await task.all();
    fast.succeed('at last');
    slow.succeed();
  };
  const queue = async (...args: string[]) => line.run(args, { env: { DATABASE_URL: await cluster.url() } });

  test('is gone on with by an older one as soon as a reload has brought it the task', async () => {
    const newer = await cluster.start(task.providers);
    const runId = await start(newer);
    await task.all();
    const declaration = newer.app.get(TaskRegistry).get('newer');
    const older = await cluster.start();
    const waits = older.log.line(/^1 unfinished runs of the task newer wait for a node that knows it/);
    await cluster.stop(newer);
    await waits;
    older.app.get(TaskRegistry).replace([], [[declaration, 'tasks.yaml']]);
    await finish();
    expect(await older.finishedRun(runId)).toMatchObject({ status: 'succeeded' });
    const [node] = await cluster.query<{ tasks: string[] }>('SELECT tasks FROM frontrunner.nodes');
    expect(node?.tasks).toContain('newer/fast');
  });

  test('is left alone by an older one while no newer one lives, and gone on with by the next that starts', async () => {
    const newer = await cluster.start(task.providers);
    const runId = await start(newer);
    await task.all();
    const older = await cluster.start();
    const waits = older.log.said(({ msg }) =>
      msg.startsWith('1 unfinished runs of the task newer wait for a node that knows it'),
    );
    await cluster.stop(newer);
    await waits;
    expect(await older.showRun(runId)).toMatchObject({ status: 'running', subTasks: [{ attempts: 1 }, {}] });
    expect((await queue('list')).stdout).toMatch(new RegExp(`${runId}  newer .*waits for a node that knows`));
    const next = await cluster.start(task.providers);
    await finish();
    expect(await next.finishedRun(runId)).toMatchObject({
      status: 'succeeded',
      subTasks: [
        { attempts: 2, failures: 0 },
        { attempts: 2, failures: 0 },
      ],
    });
    expect(await cluster.query('SELECT * FROM frontrunner.waiting_runs')).toEqual([]);
  });

  test('is left alone where the older one knows the task, but not all of its sub-tasks', async () => {
    jest.replaceProperty(Takeover, 'unfitMs', 3_600_000);
    const newer = await cluster.start(task.providers);
    const runId = await start(newer);
    await task.all();
    const ofBefore = new ControlledTask('newer', { fast: {} });
    const older = await cluster.start(ofBefore.providers);
    await cluster.stop(newer);
    while ((await cluster.query('SELECT * FROM frontrunner.waiting_runs')).length === 0);
    expect((await older.showRun(runId)).status).toBe('running');
    await cluster.stop(older);
    const next = await cluster.start(task.providers);
    await finish();
    expect((await next.finishedRun(runId)).status).toBe('succeeded');
  });

  test('has its placed sub-tasks left alone too', async () => {
    const far = new ControlledTask('newer', { far: { placement: 'worker' } });
    const api = await cluster.start(far.providers, { ROLE: 'api' });
    const runId = await start(api);
    await cluster.stop(api);
    const older = await cluster.start();
    const jobs = `SELECT FROM frontrunner_queue.job WHERE name = 'worker-sub-tasks' AND state < 'completed'`;
    while ((await cluster.query(jobs)).length > 0);
    expect((await older.showRun(runId)).status).toBe('running');
    const next = await cluster.start(far.providers);
    (await far.next('far')).succeed();
    expect((await next.finishedRun(runId)).status).toBe('succeeded');
  });

  test('goes to the dead letters after UNKNOWN_TASK_GRACE, until somebody lets it go on', async () => {
    const newer = await cluster.start(task.providers);
    const runIds = [await start(newer), await start(newer)];
    await task.all();
    await task.all();
    const older = await cluster.start([], { UNKNOWN_TASK_GRACE: '1ms' });
    const dead = runIds.map((id) =>
      older.log.said(({ level, runId, msg }) => level === 'error' && runId === id && msg.includes('redrive')),
    );
    await cluster.stop(newer);
    await Promise.all(dead);
    await cluster.stop(older);
    const [runId, left] = runIds;
    const next = await cluster.start(task.providers);
    expect((await queue('redrive', runId!)).stdout).toBe(
      `The run ${runId} waits for a node that knows the task newer\n`,
    );
    await finish();
    expect((await next.finishedRun(runId!)).status).toBe('succeeded');
    expect((await queue('list')).stdout).toMatch(new RegExp(`${left}  newer .*for too long`));
    expect((await next.showRun(left!)).subTasks).toMatchObject([{ attempts: 1 }, { attempts: 1 }]);
  });

  test('can be cancelled at any node meanwhile', async () => {
    const newer = await cluster.start(task.providers);
    const runId = await start(newer);
    await task.all();
    const older = await cluster.start();
    await cluster.stop(newer);
    await older.http.post(`/runs/${runId}/cancel`).expect(200);
    expect(await older.finishedRun(runId)).toMatchObject({
      status: 'cancelled',
      subTasks: [{ status: 'cancelled' }, { status: 'cancelled' }],
    });
  });
});
