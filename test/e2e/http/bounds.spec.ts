import { afterEach, describe, expect, test } from '@jest/globals';
import { ControlledTask } from '../../support/controlled-task.js';
import { expectProblem } from '../../support/problem.js';
import { TestApp } from '../../support/test-app.js';

describe('the bounds', () => {
  let service: TestApp;
  afterEach(() => service.close());

  /** Starts runs one after the other; resolves when the last is accepted. */
  async function accept(task: string, count: number) {
    const startedRuns = () => service.events.filter((event) => event.type === 'run.started');
    const before = startedRuns().length;
    const responses: Promise<{ status: number }>[] = [];
    for (let runs = 1; runs <= count; runs += 1) {
      responses.push(service.run(task));
      await service.until(() => startedRuns()[before + runs - 1]);
    }
    return {
      responses,
      runIds: startedRuns()
        .slice(before)
        .map(({ runId }) => runId),
    };
  }

  test('let at most MAX_CONCURRENT_SUB_TASKS run, and the rest in their turn', async () => {
    const wide = new ControlledTask('wide', { a: {}, b: {}, c: {}, d: {} }, { reply: { policy: 'all' } });
    service = await TestApp.start({
      env: { MAX_CONCURRENT_SUB_TASKS: '3' },
      providers: wide.providers,
    });
    const { responses, runIds } = await accept('wide', 5);
    expect((await service.showRun(runIds[1]!)).subTasks[0]).toMatchObject({
      status: 'pending',
      attempts: 0,
      startedAt: null,
    });
    for (const runId of runIds) {
      for (const name of ['a', 'b', 'c', 'd'] as const) {
        const attempt = await wide.next(name);
        expect(attempt.context.runId).toBe(runId);
        attempt.succeed();
      }
    }
    for (const response of responses) expect((await response).status).toBe(200);
    expect(wide.peak()).toBe(3);
  });

  test('let at most `concurrency` of one sub-task run, and others use the slots meanwhile', async () => {
    const mixed = new ControlledTask(
      'mixed',
      { scarce: { concurrency: 2 }, plenty: {} },
      { reply: { policy: 'all' } },
    );
    service = await TestApp.start({
      env: { MAX_CONCURRENT_SUB_TASKS: '3' },
      providers: mixed.providers,
    });
    const { responses } = await accept('mixed', 5);
    for (const _ of responses) (await mixed.next('plenty')).succeed();
    for (const _ of responses) (await mixed.next('scarce')).succeed();
    for (const response of responses) expect((await response).status).toBe(200);
    expect(mixed.peak('scarce')).toBe(2);
    expect(mixed.peak()).toBe(3);
  });

  test('refuse runs past MAX_QUEUED_RUNS, and finish what was accepted before', async () => {
    const pair = new ControlledTask('pair', { left: {}, right: {} });
    service = await TestApp.start({
      env: { MAX_CONCURRENT_SUB_TASKS: '2', MAX_QUEUED_RUNS: '2' },
      providers: pair.providers,
    });
    const { responses, runIds } = await accept('pair', 3);
    for (const response of [await service.run('pair'), await service.http.get('/run-tasks')]) {
      expect(response.get('Retry-After')).toMatch(/^[1-9]\d*$/);
      expect(await expectProblem(service, response, 503, 'overloaded')).toEqual({});
    }
    await service.http.get('/health/ready').expect(200);
    expect(service.events.filter((event) => event.type === 'run.started')).toHaveLength(3);

    for (const runId of runIds) {
      const { left, right } = await pair.all();
      left.succeed();
      right.succeed();
      expect(left.context.runId).toBe(runId);
      expect((await service.finishedRun(runId)).status).toBe('succeeded');
    }
    for (const response of responses) expect((await response).status).toBe(200);
    await service.answer('demo');
  });

  test('leave what never got a slot out when the reply no longer needs it', async () => {
    const race = new ControlledTask('race', { first: {}, second: {}, third: {} }, { losers: 'cancel' });
    service = await TestApp.start({
      env: { MAX_CONCURRENT_SUB_TASKS: '1' },
      providers: race.providers,
    });
    const answer = service.answer('race');
    (await race.next('first')).succeed();
    const run = await service.finishedRun((await answer).runId);
    expect(run.status).toBe('succeeded');
    expect(run.subTasks[2]).toMatchObject({ status: 'skipped', attempts: 0, startedAt: null });
    expect(race.peak('third')).toBe(0);
    await service.answer('demo');
  });

  test('give the slot of a sub-task that timed out away only after that was told', async () => {
    const slow = new ControlledTask('slow', { slow: { timeout: 10 } });
    service = await TestApp.start({
      env: { MAX_CONCURRENT_SUB_TASKS: '1' },
      providers: slow.providers,
    });
    const { responses } = await accept('slow', 3);
    for (const response of responses) expect((await response).status).toBe(502);
    expect(slow.peak()).toBe(1);
  });

  test('give the slot of a cancelled sub-task away only after that was told', async () => {
    const race = new ControlledTask('race', { first: {}, second: {} }, { losers: 'cancel' });
    service = await TestApp.start({
      env: { MAX_CONCURRENT_SUB_TASKS: '2' },
      providers: race.providers,
    });
    const { responses } = await accept('race', 4);
    for (const _ of responses) {
      const { first, second } = await race.all();
      first.succeed();
      await service.event(second.context.runId, 'run.finished');
    }
    await Promise.all(responses);
    expect(race.peak()).toBe(2);
  });
});
