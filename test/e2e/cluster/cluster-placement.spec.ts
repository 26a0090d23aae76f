import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Heartbeat } from '../../../src/cluster/heartbeat.js';
import { CommitNotices } from '../../../src/journal/postgres/commit-notices.js';
import { EventBus } from '../../../src/events/event-bus.js';
import { Execution } from '../../../src/run/execution.js';
import { SubTaskError } from '../../../src/core/sub-task-error.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { expectProblem } from '../../support/problem.js';
import type { ShownRun, TestApp } from '../../support/test-app.js';
import { TestCluster } from '../../support/test-cluster.js';

describe('a sub-task', () => {
  let cluster: TestCluster;
  beforeEach(() => {
    cluster = new TestCluster();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await cluster.end();
  });

  /** The same task in the code of two nodes. */
  const twins = <Name extends string>(
    ...declared: ConstructorParameters<typeof ControlledTask<Name>>
  ): [ControlledTask<Name>, ControlledTask<Name>] => [
    new ControlledTask<Name>(...declared),
    new ControlledTask<Name>(...declared),
  ];
  const start = async (node: TestApp, task: string, request: object = {}): Promise<string> => {
    const { body } = (await node.http
      .post(`/tasks/${task}/runs`)
      .set('Prefer', 'respond-async')
      .send(request)
      .expect(202)) as { body: unknown };
    return (body as ShownRun).id;
  };
  const placed = () => cluster.query('SELECT * FROM frontrunner.placed');

  describe('that is placed on workers', () => {
    const declared = {
      near: {},
      far: { placement: 'worker', retry: { attempts: 2, delay: '1ms' } },
    } as const;

    test('is executed by a node that takes work, and what it brings is part of the reply', async () => {
      const [ofApi, ofWorker] = twins('mixed', declared);
      const api = await cluster.start(ofApi.providers, { ROLE: 'api' });
      await cluster.start(ofWorker.providers, { ROLE: 'worker' });
      const labels = { tenant: 'acme' };
      const answer = api.answer('mixed', { input: { n: 7 }, labels, reply: { policy: 'all' } });
      const far = await ofWorker.next('far');
      expect(far.input).toEqual({ n: 7 });
      far.fail(new Error('no'));
      const again = await ofWorker.next('far');
      expect(again.context.attempt).toBe(2);
      expect(again.context.idempotencyKey).toBe(far.context.idempotencyKey);
      again.context.progress('half');
      const progressOf = async () => (await api.showRun(again.context.runId)).subTasks[1]?.progress?.value;
      while ((await progressOf()) !== 'half');
      again.succeed('far');
      (await ofApi.next('near')).succeed('near');
      const { result, runId } = await answer;
      expect(result).toEqual({ far: 'far', near: 'near' });
      expect(await api.finishedRun(runId)).toMatchObject({
        status: 'succeeded',
        subTasks: [{ attempts: 1 }, { attempts: 2, failures: 1 }],
      });
      for (const event of api.events) if (event.runId === runId) expect(event.labels).toEqual(labels);
      expect(ofApi.peak('far')).toBe(0);
      expect(await placed()).toEqual([]);
    });

    test('leaves its node in the turn of its key, so that a burst of another one isn’t before it', async () => {
      const far = { placement: 'worker' } as const;
      const [ofApi, ofWorker] = twins('keyed', { far }, { concurrencyKey: '{input}' });
      const api = await cluster.start(ofApi.providers, { ROLE: 'api' });
      const burst = 60;
      const ids: string[] = [];
      for (let n = 0; n < burst; n += 1) ids.push(await start(api, 'keyed', { input: 'big' }));
      await start(api, 'keyed', { input: 'small' });
      const cancelled = ids.pop()!;
      await api.http.post(`/runs/${cancelled}/cancel`).expect(200);
      await api.event(cancelled, 'run.finished');
      await cluster.start(ofWorker.providers, { ROLE: 'worker', MAX_CONCURRENT_SUB_TASKS: '4' });
      // 20 of the burst are on their way; 4 at a time begin.
      const order: unknown[] = [];
      while (order.length < 24 && !order.includes('small')) {
        const { input, succeed } = await ofWorker.next('far');
        order.push(input);
        succeed();
      }
      expect(order).toContain('small');
    });

    test('begins there in the order in which it left, also where many leave at once', async () => {
      const [ofApi, ofWorker] = twins('ordered', { far: { placement: 'worker' } });
      const api = await cluster.start(ofApi.providers, { ROLE: 'api' });
      const inputs = Array.from({ length: 20 }, (_, n) => n);
      const runs = inputs.map((input) => ({ input }));
      await api.http.post('/tasks/ordered/runs:batch').send({ runs }).expect(200);
      while ((await placed()).length < inputs.length);
      await cluster.start(ofWorker.providers, { ROLE: 'worker', MAX_CONCURRENT_SUB_TASKS: '5' });
      const order: unknown[] = [];
      while (order.length < inputs.length) {
        const { input, succeed } = await ofWorker.next('far');
        order.push(input);
        succeed();
      }
      expect(order).toEqual(inputs);
    });

    test('leaves the deadlines of the reply and of the run to the node of the run', async () => {
      const [ofApi, ofWorker] = twins('mixed', declared);
      const api = await cluster.start(ofApi.providers, { ROLE: 'api' });
      const worker = await cluster.start(ofWorker.providers, { ROLE: 'worker' });
      const reply = { policy: 'deadline', deadline: '50ms' };
      const response = await api.run('mixed', { reply });
      const { runId } = await expectProblem(api, response, 504, 'deadline-exceeded');
      (await ofApi.next('near')).succeed('near');
      (await ofWorker.next('far')).succeed('far');
      await api.event(runId as string, 'run.finished');
      const { reply: told, subTasks } = await worker.showRun(runId as string);
      expect(told).toMatchObject({ error: { missing: ['near', 'far'] } });
      expect(subTasks).toMatchObject([{ result: 'near' }, { result: 'far' }]);

      const ended = await api.run('mixed', { deadline: '50ms' });
      await expectProblem(worker, ended, 504, 'deadline-exceeded');
      expect(await placed()).toEqual([]);
    });

    test('is executed by the node itself where that does everything and is alone', async () => {
      const [task] = twins('mixed', declared);
      const node = await cluster.start(task.providers);
      const answer = node.answer('mixed');
      (await task.next('far')).succeed('far');
      const { runId } = await answer;
      (await task.next('near')).succeed();
      expect((await node.finishedRun(runId)).status).toBe('succeeded');
      expect(await placed()).toEqual([]);
    });

    test('is cancelled with its run, wherever it is', async () => {
      const [ofApi, ofWorker] = twins('mixed', declared);
      const worker = await cluster.start(ofWorker.providers, { ROLE: 'worker' });
      const api = await cluster.start(ofApi.providers, { ROLE: 'api' });
      const runId = await start(api, 'mixed', { losers: 'cancel' });
      const far = await ofWorker.next('far');
      const { signal } = far.context;
      const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
      await worker.event(runId, 'sub-task.started', 'far');
      (await ofApi.next('near')).succeed('won');
      await aborted;
      far.succeed('too late');
      expect(await api.finishedRun(runId)).toMatchObject({
        reply: { result: 'won' },
        subTasks: [{}, { status: 'cancelled', attempts: 1, reason: 'not needed after the reply' }],
      });
      expect(await placed()).toEqual([]);
    });

    test('is skipped when it is not needed before any node takes it on', async () => {
      const [task] = twins('mixed', declared);
      const api = await cluster.start(task.providers, { ROLE: 'api' });
      const runId = await start(api, 'mixed', { losers: 'cancel' });
      (await task.next('near')).succeed('won');
      expect(await api.finishedRun(runId)).toMatchObject({
        subTasks: [{}, { status: 'skipped', attempts: 0 }],
      });
      expect(await placed()).toEqual([]);
    });

    test('ends its run when it was retried through a node that had not heard of the end before', async () => {
      jest.replaceProperty(CommitNotices, 'pauseMs', 3_600_000);
      const near = new ControlledTask('mixed', { far: {} });
      const far = new ControlledTask('mixed', { far: { placement: 'worker' } });
      const first = await cluster.start(near.providers, { ROLE: 'api' });
      const second = await cluster.start(far.providers);
      second.app.get(EventBus).watchAll(() => undefined);
      const held = Promise.withResolvers<undefined>();
      jest.spyOn(Heartbeat.prototype, 'beat').mockReturnValue(held.promise);
      const runId = await start(first, 'mixed');
      (await near.next('far')).fail(new Error('no'));
      await first.event(runId, 'run.finished');
      await second.http.post(`/runs/${runId}/sub-tasks/far/retry`).expect(200);
      (await far.next('far')).fail(new Error('no again'));
      await second.event(runId, 'run.finished');
      held.resolve(undefined);
      expect(await first.showRun(runId)).toMatchObject({ status: 'failed', subTasks: [{ attempts: 2 }] });
    });

    test('waits for a node that takes work', async () => {
      const [ofApi, ofWorker] = twins('mixed', declared);
      const api = await cluster.start(ofApi.providers, { ROLE: 'api' });
      const answer = api.answer('mixed', { reply: { policy: 'primary', primary: 'far' } });
      (await ofApi.next('near')).succeed();
      await cluster.start(ofWorker.providers);
      (await ofWorker.next('far')).succeed('at last');
      expect((await answer).result).toBe('at last');
    });

    test('says why it starts, where it doesn’t start with its run', async () => {
      const task = new ControlledTask('staggered', {
        near: {},
        far: { placement: 'worker', start: 'after-failure' },
      });
      const node = await cluster.start(task.providers);
      const answer = node.answer('staggered');
      (await task.next('near')).fail(new Error('no'));
      (await task.next('far')).succeed('far');
      const { runId } = await answer;
      expect((await node.finishedRun(runId)).subTasks[1]).toMatchObject({ trigger: 'failure' });
    });
  });

  test('goes to a node that is idle when its own has no slot left', async () => {
    const [ofFull, ofIdle] = twins('race', { only: {} });
    await cluster.start(ofIdle.providers, { NODE_TIMEOUT: '2s' });
    const full = await cluster.start(ofFull.providers, {
      MAX_CONCURRENT_SUB_TASKS: '1',
      NODE_TIMEOUT: '2s',
    });
    const first = full.answer('race');
    const here = await ofFull.next('only');
    const second = full.answer('race');
    const there = await ofIdle.next('only');
    there.succeed('there');
    expect((await second).result).toBe('there');
    here.succeed('here');
    expect((await first).result).toBe('here');
  });

  test('waits for a slot of its own node when all are busy', async () => {
    const [ofFull, ofBusy] = twins('race', { only: {} });
    const env = { MAX_CONCURRENT_SUB_TASKS: '1', NODE_TIMEOUT: '1h' };
    const busy = await cluster.start(ofBusy.providers, env);
    const full = await cluster.start(ofFull.providers, env);
    const answers = [busy.answer('race'), full.answer('race'), full.answer('race')];
    const blocking = await ofBusy.next('only');
    // The node learns within a beat that the other is busy; until then it may send it one more.
    (await ofFull.next('only')).succeed(1);
    const last = await Promise.race([ofFull.next('only'), ofBusy.next('only')].map((next) => next));
    last.succeed(2);
    blocking.succeed(3);
    expect((await Promise.all(answers)).map(({ result }) => result).sort()).toEqual([1, 2, 3]);
  });

  test('leaves its slot while a retry is due later, and any node makes it', async () => {
    jest.replaceProperty(Execution, 'laterMs', 100);
    const [one, two] = twins('patient', { only: { retry: { attempts: 2 } } });
    const node = await cluster.start(one.providers, { MAX_CONCURRENT_SUB_TASKS: '1' });
    const runId = await start(node, 'patient');
    const first = await one.next('only');
    // It waits for the slot before that is left, so that it has it before the retry is due, however slow the machine is.
    const otherId = await start(node, 'patient');
    first.fail(new SubTaskError('busy', { retryAfterMs: 101 }));
    const other = await one.next('only');
    expect(other.context.runId).toBe(otherId);
    other.succeed('meanwhile');
    expect((await node.finishedRun(otherId)).reply).toMatchObject({ result: 'meanwhile' });
    await cluster.start(two.providers);
    const retried = await Promise.race([one.next('only'), two.next('only')]);
    expect(retried.context.attempt).toBe(2);
    retried.succeed('late');
    expect((await node.finishedRun(runId)).subTasks[0]).toMatchObject({
      status: 'succeeded',
      attempts: 2,
      failures: 1,
      result: 'late',
    });
  });

  test('never starts at a node that is a worker only: that takes no new runs', async () => {
    const [task] = twins('race', { only: {} });
    const worker = await cluster.start(task.providers, { ROLE: 'worker' });
    for (const headers of [{}, { 'Idempotency-Key': '"k"' }]) {
      const response = await worker.http.post('/tasks/race/runs').set(headers);
      await expectProblem(worker, response, 503, 'worker-node');
      expect(response.get('Retry-After')).toBeDefined();
    }
    const api = await cluster.start(task.providers, { ROLE: 'api' });
    const answer = api.http
      .post('/tasks/race/runs')
      .set('Idempotency-Key', '"k"')
      .then(({ body }) => body as { runId: string });
    (await task.next('only')).succeed('here');
    const { runId } = await answer;
    const { body } = (await worker.http
      .post('/tasks/race/runs')
      .set('Idempotency-Key', '"k"')
      .expect(200)) as { body: unknown };
    expect(body).toMatchObject({ runId, result: 'here' });
  });
});
