import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RunEvent } from '../../../src/core/events.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { PastRun } from '../../support/past-run.js';
import { TestApp, type ShownRun } from '../../support/test-app.js';

const subTaskOf = ({ subTasks }: ShownRun, name: string) =>
  subTasks.find((candidate) => candidate.name === name);

describe('a sub-task that starts after a time', () => {
  let service: TestApp;
  afterEach(() => service.close());

  const startWith = async (hedgeBudget?: string): Promise<ControlledTask<'first' | 'second'>> => {
    const read = new ControlledTask(
      'read',
      { first: {}, second: { start: { after: '1ms' } } },
      { losers: 'cancel', ...(hedgeBudget !== undefined && { hedgeBudget }) },
    );
    service = await TestApp.start({ providers: read.providers });
    return read;
  };
  const eventsOf = async (runId: string): Promise<RunEvent[]> => {
    const response = await service.http.get(`/runs/${runId}/events`).expect(200);
    return (response.body as { events: RunEvent[] }).events;
  };

  test('wins where the first is slow, and the run, its events and the log say that it was a hedge', async () => {
    const read = await startWith('100%');
    const answer = service.answer('read');
    const first = await read.next('first');
    (await read.next('second')).succeed('from the second');
    const { runId, answeredBy, result } = await answer;
    expect([answeredBy, result]).toEqual(['second', 'from the second']);
    const run = await service.finishedRun(runId);
    expect(subTaskOf(run, 'second')).toMatchObject({ status: 'succeeded', trigger: 'delay' });
    expect(subTaskOf(run, 'first')).toMatchObject({ status: 'cancelled' });
    expect(subTaskOf(run, 'first')).not.toHaveProperty('trigger');
    expect(first.context.signal.aborted).toBe(true);
    const events = await eventsOf(runId);
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'sub-task.started',
        subTask: 'second',
        data: { trigger: 'delay', delayMs: 1 },
      }),
    );
    const replied = events.find((event) => event.type === 'run.replied');
    expect(replied?.data.durationMs).toBeGreaterThanOrEqual(1);
    expect(service.log.lines).toContainEqual(
      expect.objectContaining({ level: 'log', msg: 'second starts: a hedge after 1 ms', runId }),
    );
  });

  test('is held back while the budget is spent, says so, and starts when the first fails', async () => {
    const read = await startWith();
    const answer = service.answer('read');
    const first = await read.next('first');
    const { runId } = first.context;
    const heldBack = await service.event(runId, 'sub-task.held-back');
    expect(heldBack).toMatchObject({ subTask: 'second', attempt: 0, data: { delayMs: 1, hedgeBudget: 0.1 } });
    expect(subTaskOf(await service.showRun(runId), 'second')).toMatchObject({
      status: 'pending',
      heldBack: true,
    });
    first.fail(new Error('gone'));
    (await read.next('second')).succeed('after all');
    expect((await answer).result).toBe('after all');
    const run = await service.finishedRun(runId);
    expect(subTaskOf(run, 'second')).toMatchObject({ trigger: 'failure', heldBack: true });
    expect(run.status).toBe('partly-failed');
    const msg = 'second held back after 1 ms: the hedge budget of 10 % is spent';
    expect(service.log.lines).toContainEqual(expect.objectContaining({ level: 'warn', msg, runId }));
    const stats = await service.http.get('/tasks/read/stats').expect(200);
    expect(JSON.stringify(stats.body)).toContain('"heldBack":1');
  });

  test('is skipped, and no part of the background, where the first is quick enough', async () => {
    const quick = new ControlledTask('read', { first: {}, second: { start: { after: '24d' } } });
    service = await TestApp.start({ providers: quick.providers });
    const answer = service.answer('read');
    (await quick.next('first')).succeed('at once');
    expect(await answer).toMatchObject({ background: [], status: 'succeeded' });
    const run = await service.finishedRun((await answer).runId);
    expect(subTaskOf(run, 'second')).toMatchObject({
      status: 'skipped',
      attempts: 0,
      reason: 'not needed after the reply',
    });
  });

  test.each([
    ['2.5%', 0.025],
    ['250%', 2.5],
    ['off', null],
  ])('is shown with its rule and the budget of its task, %s', async (budget, hedgeBudget) => {
    await startWith(budget);
    const response = await service.http.get('/tasks/read').expect(200);
    expect(response.body).toMatchObject({
      hedgeBudget,
      subTasks: [
        { name: 'first', start: 'at-once' },
        { name: 'second', start: { after: '1ms' } },
      ],
    });
  });
});

describe('after a crash, a sub-task that had not started', () => {
  let durable: DurableService;
  beforeEach(() => {
    durable = new DurableService();
  });
  afterEach(() => durable.end());

  test('waits on, and starts when the one before it fails', async () => {
    const read = new ControlledTask('read', { first: {}, second: { start: 'after-failure' } });
    const before = await durable.start(read.providers);
    void before.run('read');
    const { runId } = (await read.next('first')).context;
    await before.showRun(runId);
    durable.crash();
    const service = await durable.start(read.providers);
    const again = await read.next('first');
    expect(again.context.attempt).toBe(2);
    expect(subTaskOf(await service.showRun(runId), 'second')).toMatchObject({ status: 'pending' });
    again.fail(new Error('gone'));
    (await read.next('second')).succeed('second');
    const run = await service.finishedRun(runId);
    expect(subTaskOf(run, 'second')).toMatchObject({ trigger: 'failure', attempts: 1, status: 'succeeded' });
  });

  test('starts at once when its time has come meanwhile, and not before', async () => {
    const read = new ControlledTask(
      'read',
      { first: {}, second: { start: { after: '10ms' } }, third: { start: { after: '24d' } } },
      { hedgeBudget: '100%' },
    );
    const left = new PastRun('read', ['first', 'second', 'third']).started('first');
    await durable.leave(left);
    const service = await durable.start(read.providers);
    expect((await read.next('first')).context.attempt).toBe(2);
    (await read.next('second')).succeed('hedged');
    const run = await service
      .event(left.id, 'sub-task.skipped', 'third')
      .then(() => service.showRun(left.id));
    expect(run.reply).toMatchObject({ answeredBy: 'second' });
    expect(subTaskOf(run, 'second')).toMatchObject({ trigger: 'delay' });
  });

  test('is skipped where the reply went out and the crash came between', async () => {
    const read = new ControlledTask('read', { first: {}, second: { start: { after: '1ms' } } });
    const left = new PastRun('read', ['first', 'second'])
      .started('first')
      .succeeded('first')
      .replied('first');
    await durable.leave(left);
    const service = await durable.start(read.providers);
    const run = await service.finishedRun(left.id);
    expect(subTaskOf(run, 'second')).toMatchObject({ status: 'skipped', attempts: 0 });
    expect(run.status).toBe('succeeded');
  });
});
