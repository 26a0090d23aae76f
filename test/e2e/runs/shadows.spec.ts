import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { inlineTask } from '../../support/inline-task.js';
import { TestApp } from '../../support/test-app.js';

describe('a shadow', () => {
  let service: TestApp;
  afterEach(() => service.close());

  test('is in no answer, marked as such in the run, and compared with the reply in the race table', async () => {
    const price = new ControlledTask('price', { old: {}, next: { shadow: { ignore: ['/at'] } } });
    service = await TestApp.start({ providers: price.providers });
    await service.http.get('/metrics').expect(200);
    const answer = service.answer('price');
    const { old, next } = await price.all();
    next.succeed({ price: 9, at: 1 });
    old.succeed({ price: 10, at: 2 });
    const { runId, answeredBy, result } = await answer;
    expect({ answeredBy, result }).toEqual({ answeredBy: 'old', result: { price: 10, at: 2 } });
    const run = await service.finishedRun(runId);
    expect(run.status).toBe('succeeded');
    expect(run.subTasks).toMatchObject([
      { name: 'old', answered: true },
      { name: 'next', shadow: true, status: 'succeeded', result: { price: 9, at: 1 } },
    ]);
    expect(run.subTasks[0]).not.toHaveProperty('shadow');
    const task = await service.http.get('/tasks/price').expect(200);
    expect(task.body).toMatchObject({
      subTasks: [{ name: 'old' }, { name: 'next', shadow: { sample: '100%', ignore: ['/at'] } }],
    });
    const stats = await service.http.get('/tasks/price/stats').expect(200);
    expect(stats.body).toMatchObject({
      replies: 1,
      subTasks: [
        { name: 'old', wins: 1 },
        {
          name: 'next',
          wins: 0,
          shadow: { compared: 1, equal: 0, different: 1, differences: [{ runId, pointers: ['/price'] }] },
        },
      ],
    });
    const { text } = await service.http.get('/metrics').expect(200);
    expect(text).toContain(
      'frontrunner_shadow_comparisons_total{frontrunner_task="price",frontrunner_subtask="next",frontrunner_outcome="different"} 1\n',
    );
    const events = await service.http.get(`/runs/${runId}/events`).expect(200);
    expect(events.body).toMatchObject({
      events: [{ type: 'run.started', data: { shadows: ['next'] } }, {}, {}, {}, {}, {}, {}],
    });
  });

  test('is run for each item of a batch that is of its sample, and none is refused by it', async () => {
    const run = () => 1;
    service = await TestApp.start({
      providers: inlineTask('many', { old: { run }, next: { run, shadow: { sample: '50%' } } }),
    });
    const runs = Array.from({ length: 60 }, () => ({}));
    const started = await service.http.post('/tasks/many/runs:batch').send({ runs }).expect(200);
    const ids = (started.body as { runs: { runId: string }[] }).runs.map(({ runId }) => runId);
    const statuses = await Promise.all(ids.map(async (id) => (await service.finishedRun(id)).subTasks[1]!));
    const skipped = statuses.filter(({ status }) => status === 'skipped');
    expect(new Set(skipped.map(({ reason }) => reason))).toEqual(new Set(['not sampled']));
    expect(skipped.length).toBeGreaterThan(5);
    expect(skipped.length).toBeLessThan(55);
  });

  test('is given up where its run is cancelled', async () => {
    const price = new ControlledTask('price', { old: {}, next: { shadow: true } }, { losers: 'cancel' });
    service = await TestApp.start({ providers: price.providers });
    const answer = service.answer('price');
    const { old, next } = await price.all();
    old.succeed(1);
    const { runId, background } = await answer;
    expect(background).toEqual(['next']);
    expect(next.context.signal.aborted).toBe(false);
    await service.http.post(`/runs/${runId}/cancel`).expect(200);
    expect(next.context.signal.aborted).toBe(true);
    expect((await service.showRun(runId)).status).toBe('succeeded');
  });
});

describe('after a crash', () => {
  let durable: DurableService;
  beforeEach(() => {
    durable = new DurableService();
  });
  afterEach(() => durable.end());

  test('a shadow begins anew, and keeps out of the reply', async () => {
    const price = new ControlledTask('price', { old: {}, next: { shadow: true } }, { losers: 'cancel' });
    const before = await durable.start(price.providers);
    void before.run('price');
    const { old, next } = await price.all();
    const { runId } = old.context;
    next.succeed('new');
    await before.event(runId, 'sub-task.succeeded');
    durable.crash();
    const service = await durable.start(price.providers);
    (await price.next('old')).fail(new Error('gone'));
    const run = await service.finishedRun(runId);
    expect(run).toMatchObject({
      status: 'failed',
      reply: { error: { failures: [{ subTask: 'old' }] } },
      subTasks: [{ attempts: 2 }, { shadow: true, attempts: 1, status: 'succeeded', result: 'new' }],
    });
  });

  test('a shadow that outlives the reply is gone on with, and what is not eligible is not begun', async () => {
    const price = new ControlledTask(
      'price',
      { old: {}, next: { shadow: true }, other: { when: (input) => input === 'other' } },
      { losers: 'cancel' },
    );
    const before = await durable.start(price.providers);
    const answer = before.answer('price', { input: 'this' });
    const old = await price.next('old');
    await price.next('next');
    old.succeed(1);
    const { runId } = await answer;
    durable.crash();
    const service = await durable.start(price.providers);
    const again = await price.next('next');
    expect(again.context.attempt).toBe(2);
    again.succeed(2);
    expect(await service.finishedRun(runId)).toMatchObject({
      status: 'succeeded',
      reply: { answeredBy: 'old' },
      subTasks: [
        { name: 'old', attempts: 1 },
        { name: 'other', status: 'skipped', reason: 'when is false' },
        { name: 'next', status: 'succeeded', attempts: 2 },
      ],
    });
  });
});
