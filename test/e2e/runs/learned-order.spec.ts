import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { z } from 'zod';
import type { raceTableSchema } from '../../../src/stats/stats.schemas.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import type { TestApp } from '../../support/test-app.js';
import { ToldLog } from '../../support/told-log.js';

describe('a task with order: learned', () => {
  let durable: DurableService;
  beforeEach(() => {
    durable = new DurableService();
  });
  afterEach(() => durable.end());

  const ask = (hedgeBudget: string) =>
    new ControlledTask(
      'ask',
      { near: {}, far: { start: 'after-failure' }, farther: { start: 'after-failure' } },
      { order: 'learned', hedgeBudget, losers: 'cancel' },
    );
  const tableOf = async ({ http }: TestApp) => {
    const response = await http.get('/tasks/ask/stats').expect(200);
    return response.body as z.output<typeof raceTableSchema>;
  };

  /** Leaves a log in which `far` answers sooner than `near`, and `farther` is cut as long as it is slow. */
  async function leaveRuns(): Promise<void> {
    // Statistics begin where there is a journal.
    await durable.start();
    await durable.stop();
    const log = new ToldLog();
    const subTasks = ['near', 'far', 'farther'];
    for (let n = 0; n < 5; n += 1) {
      const run = log.run({ task: 'ask', subTasks, at: Date.now() - 60_000 });
      for (const name of subTasks) run.started(0, name);
      if (n === 0) run.succeeded(1, 'farther').replied(1, 'farther').succeeded(8, 'far');
      else run.succeeded(8, 'far').replied(8, 'far').cancelled(8, 'farther');
      run.succeeded(90, 'near').finished(90);
    }
    await durable.database.write(
      log.events.map(({ id: _id, time, ...event }) => ({ ...event, agoMs: Date.now() - Date.parse(time) })),
    );
  }

  test('starts first of which an answer is expected soonest, and still does after a restart and a crash', async () => {
    await leaveRuns();
    const order = ['far', 'near', 'farther'];
    for (const end of ['none', 'stop', 'crash']) {
      if (end === 'stop') await durable.stop();
      if (end === 'crash') durable.crash();
      const task = ask('0%');
      const service = await durable.start(task.providers);
      expect((await tableOf(service)).order).toEqual(order);
      const answer = service.answer('ask');
      (await task.next('far')).fail(new Error('not now'));
      (await task.next('near')).succeed('near');
      const { runId, answeredBy } = await answer;
      expect(answeredBy).toBe('near');
      const { subTasks } = (await service.http.get(`/runs/${runId}`).expect(200)).body as {
        subTasks: { name: string; trigger?: string; status: string }[];
      };
      expect(subTasks.map(({ name, trigger, status }) => [name, status, trigger])).toEqual([
        ['far', 'failed', undefined],
        ['near', 'succeeded', 'failure'],
        ['farther', 'skipped', undefined],
      ]);
    }
  });

  test('resumes a run in the order in which it began, whatever is learnt since', async () => {
    const task = ask('0%');
    const before = await durable.start(task.providers);
    const posted = await before.http.post('/tasks/ask/runs').set('Prefer', 'respond-async').send({});
    await task.next('near');
    await leaveRuns();
    const next = ask('0%');
    const service = await durable.start(next.providers);
    expect((await tableOf(service)).order?.[0]).toBe('far');
    (await next.next('near')).succeed('as it began');
    const { id } = posted.body as { id: string };
    expect(await service.finishedRun(id)).toMatchObject({ status: 'succeeded' });
  });

  test('starts one more to learn from, within its hedge budget, and says so', async () => {
    const task = ask('100%');
    const service = await durable.start(task.providers);
    expect((await service.http.get('/tasks/ask').expect(200)).body).toMatchObject({ order: 'learned' });
    const answer = service.answer('ask');
    const explored = await task.next('far');
    (await task.next('near')).succeed();
    const { runId } = await answer;
    expect(explored.context.signal.aborted).toBe(true);
    await service.finishedRun(runId);
    const { hedging, subTasks } = await tableOf(service);
    expect(hedging).toMatchObject({ extraStarts: 1, extraStartShare: 1 });
    expect(subTasks[1]).toMatchObject({ starts: 1, cancellations: 1, answerMs: { count: 1, p50: null } });
    const shown = await service.http.get(`/runs/${runId}`).expect(200);
    expect(shown.body).toMatchObject({
      subTasks: [{ name: 'near' }, { name: 'far', trigger: 'exploration' }, {}],
    });
  });
});
