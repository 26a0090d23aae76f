import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { PostgresJournal } from '../../../src/journal/postgres/postgres-journal.js';
import { Journal } from '../../../src/run/journal.js';
import { version } from '../../../src/core/version.js';
import { ApiKeys } from '../../support/api-keys.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { expectProblem } from '../../support/problem.js';
import { samplesOf } from '../../support/samples.js';
import { TestApp, type ShownRun } from '../../support/test-app.js';
import { TestCluster } from '../../support/test-cluster.js';

describe('the API for operators', () => {
  let task: ControlledTask<'fast' | 'slow'>;
  beforeEach(() => {
    task = new ControlledTask('race', { fast: {}, slow: {} });
  });
  const cluster = new TestCluster();
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  const start = async (node: TestApp): Promise<string> => {
    const { body } = (await node.http
      .post('/tasks/race/runs')
      .set('Prefer', 'respond-async')
      .expect(202)) as { body: ShownRun };
    return body.id;
  };
  const post = (node: TestApp, path: string, body: object = {}) =>
    node.http.post(`/admin/${path}`).send(body);
  const failAll = async (node: TestApp, runId: string): Promise<void> => {
    for (const attempt of Object.values(await task.all())) attempt.fail(new Error('no'));
    await node.finishedRun(runId);
  };
  /** Cancels one run and retries another one, by what they are. */
  const cancelsAndRetries = async (node: TestApp): Promise<void> => {
    const failed = await start(node);
    await failAll(node, failed);
    const open = await start(node);
    await task.all();
    for (const body of [{ olderThan: '1h' }, { task: 'other' }, { status: 'set-aside' }])
      expect((await post(node, 'runs/cancel', body).expect(202)).body).toEqual({ runs: 0 });
    expect((await post(node, 'runs/cancel', { task: 'race' }).expect(202)).body).toEqual({ runs: 1 });
    expect((await node.finishedRun(open)).status).toBe('cancelled');
    expect((await post(node, 'runs/retry', { status: 'partly-failed' }).expect(202)).body).toEqual({
      runs: 0,
    });
    expect((await post(node, 'runs/retry', { status: 'failed' }).expect(202)).body).toEqual({ runs: 1 });
    for (const attempt of Object.values(await task.all())) {
      expect(attempt.context).toMatchObject({ runId: failed, attempt: 2 });
      attempt.succeed();
    }
    while ((await node.showRun(failed)).status !== 'succeeded');
    await expectProblem(node, await post(node, 'runs/cancel'), 400, 'invalid-request');
  };

  test('shows nodes and the queue, drains and pauses, and cancels and retries by filter, with Postgres', async () => {
    ends.push(() => cluster.end());
    const node = await cluster.start(task.providers);
    const id = cluster.idOf(node);
    const metrics = async () => samplesOf((await node.http.get('/metrics').expect(200)).text);
    await metrics();
    await cancelsAndRetries(node);
    const measured = await metrics();
    const commits = measured.get('frontrunner_journal_commit_duration_seconds_count')!;
    expect(commits).toBeGreaterThan(0);
    // A commit has an event at least: one that only shows that others could be committed doesn’t count.
    expect(measured.get('frontrunner_journal_batch_size_sum')).toBeGreaterThanOrEqual(commits);
    const shown = () => node.http.get('/nodes').expect(200);
    while (((await shown()).body as { nodes: { version: string | null }[] }).nodes[0]!.version === null);
    expect((await shown()).body).toEqual({
      nodes: [
        {
          ...{ id, self: true, role: 'all', state: 'taking runs', runs: 0, version: version() },
          startedAt: new Date(parseInt(id.replace('-', '').slice(0, 12), 16)).toISOString(),
          ...{ slots: { used: 0, limit: expect.any(Number) }, seenMs: expect.any(Number) },
          ...{ skewMs: expect.any(Number), lagMs: expect.any(Number) },
        },
      ],
      journal: {
        ...{ kind: 'postgres', pendingEvents: expect.any(Number), fileBytes: null },
        commitMs: {
          count: expect.any(Number),
          p50: expect.any(Number),
          p90: expect.any(Number),
          p99: expect.any(Number),
        },
      },
    });
    await post(node, 'tasks/race/pause').expect(204);
    await post(node, 'queues/worker-sub-tasks/pause').expect(204);
    expect((await node.http.get('/queue').expect(200)).body).toMatchObject({
      queued: 0,
      deliveries: 0,
      dead: 0,
      paused: ['race'],
      pausedQueues: ['worker-sub-tasks'],
    });
    const journal = node.app.get<PostgresJournal>(Journal);
    while (!journal.sharing.paused.has('race')) await cluster.query('SELECT');
    await expectProblem(node, await node.run('race'), 503, 'overloaded');
    await post(node, 'tasks/race/resume').expect(204);
    await post(node, 'queues/worker-sub-tasks/resume').expect(204);
    await post(node, `nodes/${id}/drain`).expect(204);
    while ((await node.http.get('/health/ready')).status !== 503);
    await post(node, `nodes/${id}/undrain`).expect(204);
    for (const path of [
      'nodes/nobody/drain',
      'tasks/nothing/pause',
      'tasks/race/resume',
      'queues/nothing/pause',
    ])
      await expectProblem(node, await post(node, path), 404, 'not-found');
  });

  test('needs the scope admin, and says what needs Postgres', async () => {
    const keys = new ApiKeys();
    const key = keys.create('operator', 'admin', 'runs:read', 'runs:write');
    const other = keys.create('ci', 'runs:read', 'runs:write');
    const ofOwn = keys.create('own', 'runs:read:own');
    const service = await TestApp.start({
      env: { API_KEYS_FILE: keys.path },
      key,
      providers: task.providers,
    });
    ends.push(
      () => service.close(),
      () => keys.remove(),
    );
    await cancelsAndRetries(service);
    for (const path of ['/nodes', '/queue', '/queue/dead-letters']) {
      await service.http.get(path).auth(other, { type: 'bearer' }).expect(200);
      const own = service.http.get(path).auth(ofOwn, { type: 'bearer' });
      await expectProblem(service, await own, 403, 'forbidden');
    }
    expect((await service.http.get('/nodes')).body).toMatchObject({
      nodes: [{ self: true, version: version() }],
      journal: {
        ...{ kind: 'memory', pendingEvents: 0, fileBytes: null },
        commitMs: { count: 0, p50: null, p90: null, p99: null },
      },
    });
    const redrive = () => post(service, 'queue/redrive', { all: true });
    await expectProblem(service, await redrive(), 409, 'postgres-needed');
    await expectProblem(service, await redrive().auth(other, { type: 'bearer' }), 403, 'forbidden');
    await expectProblem(service, await post(service, 'tasks/race/pause'), 409, 'postgres-needed');
    const reload = () => service.http.post('/tasks-file/reload');
    await expectProblem(service, await reload(), 409, 'tasks-file-needed');
    await expectProblem(service, await reload().auth(other, { type: 'bearer' }), 403, 'forbidden');
    await expectProblem(service, await post(service, 'runs/cancel', { node: 'x' }), 400, 'invalid-request');
    const refused = post(service, 'runs/cancel', { task: 'race' }).auth(other, { type: 'bearer' });
    await expectProblem(service, await refused, 403, 'forbidden');
  });
});
