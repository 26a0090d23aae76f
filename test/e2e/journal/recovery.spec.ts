import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { inlineTask } from '../../support/inline-task.js';
import { PastRun } from '../../support/past-run.js';
import type { TestApp } from '../../support/test-app.js';

const DAY_MS = 24 * 3_600_000;

describe('what a crash or a stop has left unfinished', () => {
  let durable: DurableService;
  let race: ControlledTask<'fast' | 'slow'>;
  beforeEach(() => {
    durable = new DurableService();
    race = new ControlledTask('race', { fast: {}, slow: {} });
  });
  afterEach(() => durable.end());

  const takenUp = (service: TestApp) =>
    service.until(() => service.log.lines.find(({ msg }) => msg.startsWith('Resumed')));
  const begun = (service: TestApp) => service.events.filter(({ type }) => type === 'sub-task.started').length;

  test('is resumed by the next start as a new attempt of each unfinished sub-task', async () => {
    const before = await durable.start(race.providers);
    const answer = before.answer('race', { input: { order: 7 } });
    const { fast, slow } = await race.all();
    fast.succeed('won');
    const { runId } = await answer;
    await before.showRun(runId);
    durable.crash();

    const service = await durable.start(race.providers);
    const again = await race.next('slow');
    expect(again.input).toEqual({ order: 7 });
    const { idempotencyKey } = slow.context;
    expect(again.context).toMatchObject({ runId, attempt: 2, idempotencyKey });
    expect(await service.showRun(runId)).toMatchObject({ status: 'running', reply: { result: 'won' } });
    again.succeed('late');
    expect(await service.finishedRun(runId)).toMatchObject({
      status: 'succeeded',
      reply: { answeredBy: 'fast', result: 'won' },
      subTasks: [
        { status: 'succeeded', attempts: 1 },
        { status: 'succeeded', attempts: 2, failures: 0, result: 'late' },
      ],
    });
    expect(begun(service)).toBe(1);
  });

  test('has no use for what attempts of before still bring', async () => {
    const before = await durable.start(race.providers);
    const answer = before.answer('race');
    const { fast, slow } = await race.all();
    fast.succeed();
    const { runId } = await answer;
    const service = await durable.start(race.providers);
    const again = await race.next('slow');
    slow.succeed('stale');
    again.succeed('fresh');
    expect((await service.finishedRun(runId)).subTasks[1]).toMatchObject({ attempts: 2, result: 'fresh' });
    await durable.stop();
    expect(durable.database.flaws()).toEqual([]);
  });

  test('answers at GET /runs/<id> where the caller had no reply', async () => {
    const before = await durable.start(race.providers);
    const response = before.run('race');
    const { runId } = (await race.all()).fast.context;
    await before.event(runId, 'run.started');

    const service = await durable.start(race.providers);
    const refused = await response;
    expect(refused.status).toBe(503);
    expect(refused.get('Location')).toBe(`/runs/${runId}`);
    expect(refused.body).toMatchObject({ type: '/problems/stopping', runId });
    (await race.next('slow')).succeed('after all');
    await service.event(runId, 'run.replied');
    const { reply } = await service.showRun(runId);
    expect(reply).toEqual({ answeredBy: 'slow', result: 'after all' });
  });

  test('begins its first attempt where there was none for want of a slot', async () => {
    const env = { MAX_CONCURRENT_SUB_TASKS: '1' };
    const before = await durable.start(race.providers, env);
    void before.run('race');
    const { runId } = (await race.next('fast')).context;
    await before.showRun(runId);
    durable.crash();
    await durable.start(race.providers, env);
    const fast = await race.next('fast');
    fast.succeed();
    const slow = await race.next('slow');
    expect([fast.context.attempt, slow.context.attempt]).toEqual([2, 1]);
  });

  test('keeps its retry budget: attempts that were cut off don’t count, those that failed do', async () => {
    const flaky = new ControlledTask('flaky', { flaky: { retry: { attempts: 2, delay: 1 } } });
    const cutOff = new PastRun('flaky', ['flaky']).started('flaky').started('flaky');
    const failed = new PastRun('flaky', ['flaky']).started('flaky').retrying('flaky', 0).started('flaky');
    await durable.leave(cutOff, failed);
    const service = await durable.start(flaky.providers);
    for (const run of [cutOff, failed, cutOff]) {
      const attempt = await flaky.next('flaky');
      expect(attempt.context.runId).toBe(run.id);
      attempt.fail(new Error('no'));
    }
    for (const [{ id }, attempts] of [
      [cutOff, 4],
      [failed, 3],
    ] as const) {
      const [subTask] = (await service.finishedRun(id)).subTasks;
      expect(subTask).toMatchObject({ status: 'failed', attempts, failures: 2 });
    }
  });

  test('keeps the due time of a retry', async () => {
    const patient = new ControlledTask('patient', {
      patient: { retry: { attempts: 2, delay: '24d', maxDelay: '24d' } },
    });
    const later = new PastRun('patient', ['patient']).started('patient').retrying('patient', DAY_MS);
    const overdue = new PastRun('patient', ['patient']).started('patient').retrying('patient', -DAY_MS);
    await durable.leave(later, overdue);
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const service = await durable.start(patient.providers);
    const attempt = await patient.next('patient');
    expect(attempt.context).toMatchObject({ runId: overdue.id, attempt: 2 });
    await takenUp(service);
    const [waiting] = (await service.showRun(later.id)).subTasks;
    const [, , { data }] = later.events as [unknown, unknown, { data: { dueAt: string } }];
    expect(waiting).toMatchObject({ status: 'retrying', attempts: 1, retryAt: data.dueAt });
    expect(timers.mock.calls.filter(([, ms]) => ms !== undefined && ms < 0)).toEqual([]);
    timers.mockRestore();
  });

  test('ends by itself when only its end was missing', async () => {
    const unanswered = new PastRun('race', ['fast', 'slow'])
      .started('fast', 'slow')
      .succeeded('slow')
      .failed('fast');
    const answered = new PastRun('race', ['fast', 'slow'])
      .started('fast', 'slow')
      .succeeded('slow')
      .replied('slow')
      .succeeded('fast');
    await durable.leave(unanswered, answered);
    const service = await durable.start(race.providers);
    for (const [{ id }, status] of [
      [unanswered, 'partly-failed'],
      [answered, 'succeeded'],
    ] as const) {
      expect(await service.finishedRun(id)).toMatchObject({ status, reply: { answeredBy: 'slow' } });
    }
    expect(race.peak()).toBe(0);
    await durable.stop();
    expect(durable.database.flaws()).toEqual([]);
  });

  test('comes to the same end from every event at which a crash may have come', async () => {
    const steps = inlineTask(
      'steps',
      {
        steady: { run: () => 'S' },
        shaky: {
          retry: { attempts: 2, delay: 1 },
          run: (_input, { attempt }) => (attempt === 1 ? Promise.reject(new Error('once')) : 'T'),
        },
      },
      { reply: { policy: 'all' } },
    );
    const before = await durable.start(steps);
    const { runId } = await before.answer('steps');
    const whole = await before.finishedRun(runId);
    const events = before.events.map(({ id: _id, time: _time, ...event }) => event);
    expect(events).toHaveLength(9);
    await durable.stop();
    const runs = events.slice(1).map((_event, at) => {
      const run = new PastRun('steps', ['steady', 'shaky']);
      run.events.splice(0, 1, ...events.slice(0, at + 1).map((event) => ({ ...event, runId: run.id })));
      return run;
    });
    await durable.leave(...runs);
    const service = await durable.start(steps);
    for (const { id } of runs) {
      const { status, reply } = await service.finishedRun(id);
      expect({ status, result: reply && 'result' in reply && reply.result }).toEqual({
        status: 'succeeded',
        result: { steady: 'S', shaky: 'T' },
      });
    }
    expect(whole.reply).toMatchObject({ result: { steady: 'S', shaky: 'T' } });
    await durable.stop();
    expect(durable.database.flaws()).toEqual([]);
  });
});
