import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Takeover } from '../../../src/cluster/takeover.js';
import { Runs } from '../../../src/run/runs.js';
import { ControlledTask } from '../../support/controlled-task.js';
import type { ShownRun, TestApp } from '../../support/test-app.js';
import { TestCluster } from '../../support/test-cluster.js';

describe('a run that a node fails to take over', () => {
  let cluster: TestCluster;
  let task: ControlledTask<'fast' | 'slow'>;
  beforeEach(() => {
    cluster = new TestCluster();
    task = new ControlledTask('race', { fast: {}, slow: {} });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await cluster.end();
  });

  const start = async (node: TestApp): Promise<string> => {
    const { body } = (await node.http
      .post('/tasks/race/runs')
      .set('Prefer', 'respond-async')
      .expect(202)) as { body: unknown };
    return (body as ShownRun).id;
  };
  const failToResume = (node: TestApp) =>
    jest.spyOn(node.app.get(Runs), 'resume').mockImplementationOnce(() => {
      throw new Error('not here');
    });
  const nodesOfRuns = async () =>
    (await cluster.query<{ node: string }>('SELECT node FROM frontrunner.open_runs')).map(({ node }) => node);
  /** Its sub-tasks went to whichever node takes them, when it was taken over first. */
  const finish = async (): Promise<void> => {
    const { fast, slow } = await task.all();
    fast.succeed('at last');
    slow.succeed();
  };

  test('is gone on with by another one, and meanwhile not tried again by the one that failed', async () => {
    const dying = await cluster.start(task.providers);
    const failing = await cluster.start(task.providers);
    const resume = failToResume(failing);
    const runId = await start(dying);
    await task.all();
    await cluster.stop(dying);
    await failing.until(() => failing.log.lines.find(({ msg }) => msg.includes('Could not be taken over')));
    while ((await nodesOfRuns()).some((node) => node !== ''));
    const survivor = await cluster.start(task.providers);
    await finish();
    expect(await survivor.finishedRun(runId)).toMatchObject({
      status: 'succeeded',
      reply: { result: 'at last' },
    });
    expect(resume).toHaveBeenCalledTimes(1);
  });

  test('is gone on with a while later by the node itself, where no other takes it', async () => {
    jest.replaceProperty(Takeover, 'retryMs', 200);
    const node = await cluster.start(task.providers, { NODE_TIMEOUT: '500ms' });
    const resume = failToResume(node);
    const dying = await cluster.start(task.providers, { NODE_TIMEOUT: '500ms' });
    const runId = await start(dying);
    await task.all();
    await cluster.stop(dying);
    await finish();
    expect(await node.finishedRun(runId)).toMatchObject({ status: 'succeeded' });
    expect(resume).toHaveBeenCalledTimes(2);
  });
});
