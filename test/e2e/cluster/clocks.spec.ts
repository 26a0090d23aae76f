import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { SubTaskError } from '../../../src/core/sub-task-error.js';
import { Execution } from '../../../src/run/execution.js';
import { ControlledTask } from '../../support/controlled-task.js';
import type { ShownRun, TestApp } from '../../support/test-app.js';
import { TestCluster } from '../../support/test-cluster.js';

const SKEW_MS = 300_000;
/** The machine's clock as it is. */
const right = Date.now.bind(Date);

describe('nodes whose clocks differ', () => {
  let cluster: TestCluster;
  let task: ControlledTask<'only'>;
  let skewMs: number;
  beforeEach(() => {
    cluster = new TestCluster();
    task = new ControlledTask('patient', { only: { retry: { attempts: 2 } } });
    jest.replaceProperty(Execution, 'laterMs', 100);
    skewMs = 0;
    jest.spyOn(Date, 'now').mockImplementation(() => right() + skewMs);
  });
  afterEach(async () => {
    await cluster.end();
    jest.restoreAllMocks();
  });

  const start = async (node: TestApp): Promise<string> => {
    const { body } = (await node.http
      .post('/tasks/patient/runs')
      .set('Prefer', 'respond-async')
      .expect(202)) as { body: unknown };
    return (body as ShownRun).id;
  };
  const timesOf = (node: TestApp, runId: string) =>
    node.events.filter((event) => event.runId === runId).map(({ time }) => Date.parse(time));

  test('make a retry that leaves its node when it is due, and stamp events by the clock of the database', async () => {
    skewMs = SKEW_MS;
    const node = await cluster.start(task.providers);
    const runId = await start(node);
    (await task.next('only')).fail(new SubTaskError('busy', { retryAfterMs: 101 }));
    // On this machine's clock it would be due in five minutes.
    (await task.next('only')).succeed();
    await node.finishedRun(runId);
    for (const time of timesOf(node, runId)) expect(Math.abs(time - right())).toBeLessThan(SKEW_MS / 2);
  });

  test('make a retry that a dead node was to make no later than it was to be', async () => {
    jest.replaceProperty(Execution, 'laterMs', 3_600_000);
    const before = await cluster.start(task.providers);
    const runId = await start(before);
    (await task.next('only')).fail(new SubTaskError('busy', { retryAfterMs: 2_000 }));
    await before.event(runId, 'sub-task.retrying');
    skewMs = -SKEW_MS;
    const after = await cluster.start(task.providers);
    await cluster.stop(before);
    const retried = await task.next('only');
    expect(retried.context.attempt).toBe(2);
    retried.succeed();
    await after.finishedRun(runId);
  });

  test('let the times of a run never step back, though a clock is set back meanwhile', async () => {
    const node = await cluster.start(task.providers);
    const runId = await start(node);
    const attempt = await task.next('only');
    skewMs = -SKEW_MS;
    attempt.succeed();
    const { createdAt, finishedAt } = await node.finishedRun(runId);
    const times = timesOf(node, runId);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    expect(Date.parse(finishedAt!)).toBeGreaterThanOrEqual(Date.parse(createdAt));
  });

  test('say how far they are away, in the log and in their health', async () => {
    skewMs = SKEW_MS;
    const node = await cluster.start();
    const told = /^This machine’s clock is (299|300)\d{3} ms ahead of the database’s/;
    expect(node.log.lines.filter(({ msg }) => told.test(msg))).toHaveLength(1);
    const { body } = (await node.http.get('/health/ready').expect(200)) as {
      body: { details: { journal: { clockSkewMs: number } } };
    };
    expect(Math.abs(body.details.journal.clockSkewMs - SKEW_MS)).toBeLessThan(SKEW_MS / 2);
  });
});
