import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { RunControl } from '../../../src/tasks/run-control.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { expectProblem } from '../../support/problem.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import type { ShownRun, TestApp } from '../../support/test-app.js';
import { TestCluster } from '../../support/test-cluster.js';

describe('what was asked of a run whose node can’t do it now', () => {
  let cluster: TestCluster;
  let task: ControlledTask<'fast' | 'slow'>;
  let proxy: TcpProxy | undefined;
  beforeEach(() => {
    cluster = new TestCluster();
    task = new ControlledTask('race', { fast: {}, slow: {} });
    jest.replaceProperty(RunControl, 'waitMs', 300);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await proxy?.heal();
    await cluster.end();
    await proxy?.close();
    proxy = undefined;
  });

  const start = async (node: TestApp): Promise<string> => {
    const { body } = (await node.http
      .post('/tasks/race/runs')
      .set('Prefer', 'respond-async')
      .expect(202)) as { body: unknown };
    return (body as ShownRun).id;
  };
  const commands = () => cluster.query('SELECT kind, run_id FROM frontrunner.commands');

  test('is a cancel that is answered with 202, and done by the node that goes on with the run', async () => {
    proxy = await TcpProxy.start(await cluster.url());
    const other = await cluster.start(task.providers);
    const halted = await cluster.start(task.providers, { DATABASE_URL: proxy.url(await cluster.url()) });
    const runId = await start(halted);
    await task.all();
    proxy.blackhole();
    const { body } = (await other.http.post(`/runs/${runId}/cancel`).expect(202)) as { body: unknown };
    expect(body).toMatchObject({ status: 'running' });
    expect(await commands()).toEqual([{ kind: 'cancel', run_id: runId }]);
    await cluster.takeForDead(halted);
    expect(await other.finishedRun(runId)).toMatchObject({ status: 'cancelled' });
    while ((await commands()).length > 0);
  });

  test('is a retry that is answered with 202, and done when the node that stops has gone and the run has ended', async () => {
    const other = await cluster.start(task.providers);
    const stopping = await cluster.start(task.providers, { SHUTDOWN_GRACE: '1h' });
    const runId = await start(stopping);
    const { fast, slow } = await task.all();
    fast.fail(new Error('no'));
    await stopping.event(runId, 'sub-task.failed');
    const refusal = stopping.log.said(({ msg }) => msg.includes('unfinished runs have'));
    const stopped = cluster.stop(stopping);
    await refusal;
    const retry = () =>
      other.http.post(`/runs/${runId}/sub-tasks/fast/retry`).set('Idempotency-Key', '"once"').expect(202);
    await Promise.all([retry(), retry()]);
    slow.succeed('slow');
    await stopped;
    const again = await task.next('fast');
    expect(again.context.attempt).toBe(2);
    again.succeed('fast after all');
    await other.until(() =>
      other.events.find(({ type, ...event }) => type === 'run.finished' && event.runId === runId),
    );
    const finished = (status: string) =>
      other.http.get(`/runs/${runId}`).then(({ body }) => (body as ShownRun).status === status);
    while (!(await finished('succeeded')));
    expect(await other.showRun(runId)).toMatchObject({
      subTasks: [{ attempts: 2, failures: 1 }, { attempts: 1 }],
    });
    while ((await commands()).length > 0);
  });

  test('is refused where only another node knows its task', async () => {
    const newer = await cluster.start(task.providers);
    const older = await cluster.start();
    const runId = await start(newer);
    const { fast, slow } = await task.all();
    fast.fail(new Error('no'));
    slow.succeed();
    await newer.event(runId, 'run.finished');
    const response = await older.http.post(`/runs/${runId}/sub-tasks/fast/retry`);
    await expectProblem(older, response, 404, 'task-unknown');
    await newer.http.post(`/runs/${runId}/sub-tasks/fast/retry`).expect(200);
    (await task.next('fast')).succeed();
  });
});
