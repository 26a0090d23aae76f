import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlledTask } from '../../support/controlled-task.js';
import { TestApp } from '../../support/test-app.js';

const race = new ControlledTask('race', { winner: {}, loser: {} });
const thrifty = new ControlledTask('thrifty', { winner: {}, loser: {} }, { losers: 'cancel' });

describe('the sub-tasks that are unfinished at the reply', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ providers: [...race.providers, ...thrifty.providers] });
  });
  afterAll(() => service.close());

  async function reply(task: typeof race, losers?: unknown) {
    const answer = service.answer(task.name, { losers });
    const { winner, loser } = await task.all();
    winner.succeed('won');
    return { answer: await answer, runId: winner.context.runId, winner, loser };
  }

  test('continue undisturbed by default', async () => {
    const { answer, runId, loser } = await reply(race);
    expect(answer).toMatchObject({ status: 'running', background: ['loser'] });
    expect(loser.context.signal.aborted).toBe(false);
    loser.succeed('late');
    const { status, losers, subTasks } = await service.finishedRun(runId);
    expect({ status, losers }).toEqual({ status: 'succeeded', losers: 'continue' });
    expect(subTasks[1]).toMatchObject({ status: 'succeeded', result: 'late' });
  });

  test('are aborted under cancel, and what they bring afterwards is discarded', async () => {
    const { runId, winner, loser } = await reply(race, 'cancel');
    const cancelled = await service.finishedRun(runId);
    expect(loser.context.signal.reason).toMatchObject({ name: 'AbortError' });
    expect(winner.context.signal.aborted).toBe(false);
    expect(cancelled).toMatchObject({ status: 'succeeded', losers: 'cancel' });
    expect(cancelled.subTasks[1]).toEqual({
      name: 'loser',
      status: 'cancelled',
      reason: 'not needed after the reply',
      attempts: 1,
      failures: 0,
      retryAt: null,
      startedAt: expect.any(String),
      finishedAt: expect.any(String),
      durationMs: expect.any(Number),
    });

    loser.succeed('too late');
    await reply(race, 'cancel');
    expect(await service.showRun(runId)).toEqual(cancelled);
    const last = service.events.filter((event) => event.runId === runId).at(-1);
    expect(last?.type).toBe('run.finished');
  });

  test('may fail after they were cancelled without anybody being told', async () => {
    const { runId, loser } = await reply(race, 'cancel');
    const cancelled = await service.finishedRun(runId);
    loser.fail(loser.context.signal.reason);
    await reply(race, 'cancel');
    expect(await service.showRun(runId)).toEqual(cancelled);
  });

  test('are cancelled by the task’s own policy unless the caller names another', async () => {
    const byTask = await reply(thrifty);
    await service.event(byTask.runId, 'run.finished');
    expect(byTask.loser.context.signal.aborted).toBe(true);

    const byCaller = await reply(thrifty, 'continue');
    expect(byCaller.loser.context.signal.aborted).toBe(false);
    byCaller.loser.succeed();
    await service.event(byCaller.runId, 'run.finished');
  });

  test('are aborted under cancel-after when the time is up', async () => {
    const losers = { policy: 'cancel-after', after: '20ms' };
    const { answer, runId, loser } = await reply(race, losers);
    expect(answer.background).toEqual(['loser']);
    const { data } = await service.event(runId, 'sub-task.cancelled', 'loser');
    expect(data.reason).toBe('unfinished 20ms after the reply');
    expect(loser.context.signal.aborted).toBe(true);
    expect(await service.finishedRun(runId)).toMatchObject({
      status: 'succeeded',
      losers,
      subTasks: [{ status: 'succeeded' }, { status: 'cancelled' }],
    });
  });

  test('may finish within the time of cancel-after, which leaves no timer behind', async () => {
    const { runId, loser } = await reply(race, { policy: 'cancel-after', after: '1h' });
    expect(loser.context.signal.aborted).toBe(false);
    loser.succeed('in time');
    const { subTasks } = await service.finishedRun(runId);
    expect(subTasks[1]).toMatchObject({ status: 'succeeded', result: 'in time' });
  });

  test('are cancelled as well when the reply is a refusal', async () => {
    const pending = service.run('race', { reply: { policy: 'all' }, losers: 'cancel' });
    const { winner, loser } = await race.all();
    winner.fail(new Error('no'));
    expect((await pending).status).toBe(502);
    expect(loser.context.signal.aborted).toBe(true);
    expect(await service.finishedRun(loser.context.runId)).toMatchObject({
      status: 'failed',
      subTasks: [{ status: 'failed' }, { status: 'cancelled' }],
    });
  });
});
