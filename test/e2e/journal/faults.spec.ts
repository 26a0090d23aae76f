import { appendFileSync, openSync, closeSync, statSync, truncateSync, writeSync } from 'node:fs';
import { Injectable } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { OnRunEvent } from '../../../src/events/on-run-event.decorator.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { inlineTask } from '../../support/inline-task.js';
import { JournalCalls } from '../../support/journal-calls.js';
import { PastRun } from '../../support/past-run.js';
import { expectProblem } from '../../support/problem.js';

const HOUR_MS = 3_600_000;

@Injectable()
class EndlessListener {
  @OnRunEvent('run.started', 'sub-task.started', 'sub-task.succeeded', 'run.replied', 'run.finished')
  listen(): Promise<void> {
    return new Promise(() => undefined);
  }
}

/** Changes a byte within the last frame of a write-ahead log. */
function flip(wal: string): void {
  const file = openSync(wal, 'r+');
  writeSync(file, 'X', statSync(wal).size - 100);
  closeSync(file);
}

describe('runs survive', () => {
  let durable: DurableService;
  let race: ControlledTask<'fast' | 'slow'>;
  beforeEach(() => {
    durable = new DurableService();
    race = new ControlledTask('race', { fast: {}, slow: {} });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await durable.end();
  });

  test.each([
    ['garbage behind it', (wal: string) => appendFileSync(wal, 'garbage'.repeat(2_000))],
    ['its last frame cut', (wal: string) => truncateSync(wal, statSync(wal).size - 100)],
    ['its last frame damaged', flip],
  ])('a write-ahead log with %s', async (_what, damage) => {
    const before = await durable.start(race.providers);
    const answer = before.answer('race');
    const { fast, slow } = await race.all();
    fast.succeed('won');
    const { runId } = await answer;
    await before.showRun(runId);
    durable.crash();
    damage(`${durable.database.path}-wal`);

    const service = await durable.start(race.providers);
    const again = await race.next('slow');
    expect(again.context.attempt).toBe(slow.context.attempt + 1);
    again.succeed();
    expect(await service.finishedRun(runId)).toMatchObject({
      status: 'succeeded',
      reply: { answeredBy: 'fast', result: 'won' },
    });
    await durable.stop();
    expect(durable.database.flaws()).toEqual([]);
  });

  test.each(['commitsOfOpen', 'eventsOfRuns'])('the end of the thread that reads %s', async (call) => {
    const calls = new JournalCalls();
    const run = new PastRun('race', ['fast', 'slow']).started('fast', 'slow').succeeded('fast', 'won');
    await durable.leave(run);
    calls.deadly = call;
    const service = await durable.start(race.providers);
    (await race.next('slow')).succeed();
    await service.event(run.id, 'run.finished');
    const errors = service.log.lines.filter(({ level }) => level === 'error');
    expect(errors).toEqual([{ level: 'error', msg: expect.stringMatching(/can’t be read.*thread ended/) }]);
    await durable.stop();

    const next = await durable.start(race.providers);
    calls.deadly = 'run';
    const refused = await next.http.get(`/runs/${run.id}`);
    await expectProblem(next, refused, 503, 'journal-unavailable');
    expect((await next.showRun(run.id)).reply).toMatchObject({ result: 'won' });
  });

  test('a clock that steps back an hour, while a retry waits and across a restart', async () => {
    const flaky = new ControlledTask('flaky', { flaky: { retry: { attempts: 2, delay: 5, maxDelay: 5 } } });
    const before = await durable.start(flaky.providers);
    const answer = before.answer('flaky');
    (await flaky.next('flaky')).fail(new Error('one'));
    const now = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => now() - HOUR_MS);
    (await flaky.next('flaky')).succeed('two');
    const { runId } = await answer;
    const [subTask] = (await before.finishedRun(runId)).subTasks;
    expect(subTask).toMatchObject({ status: 'succeeded', attempts: 2, result: 'two' });
    expect(subTask!.durationMs).toBeGreaterThanOrEqual(0);
    await durable.stop();

    // Due soon by the clock of then, which is an hour from now by the clock that was set back since.
    const waiting = new PastRun('flaky', ['flaky']).started('flaky').retrying('flaky', HOUR_MS, 5);
    await durable.leave(waiting);
    const service = await durable.start(flaky.providers);
    (await flaky.next('flaky')).succeed('in time');
    const run = await service.finishedRun(waiting.id);
    expect(run.reply).toMatchObject({ result: 'in time' });
    const next = await service.answer('demo');
    expect((await service.finishedRun(next.runId)).status).toBe('succeeded');
  });

  test('a sub-task that blocks the event loop for two seconds', async () => {
    const blocking = inlineTask(
      'blocking',
      {
        blocker: { run: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000) },
        other: { run: () => 'other' },
      },
      { reply: { policy: 'all' } },
    );
    const service = await durable.start([...blocking, ...race.providers]);
    const underWay = service.answer('race');
    const { fast, slow } = await race.all();
    const blocked = service.answer('blocking');
    const meanwhile = service.answer('demo');
    expect((await blocked).result).toEqual({ blocker: 'timed-out', other: 'other' });
    fast.succeed('still here');
    expect((await underWay).result).toBe('still here');
    slow.succeed();
    expect((await meanwhile).result).toBe('First result');
    for (const { runId } of await Promise.all([underWay, blocked, meanwhile]))
      expect((await service.finishedRun(runId)).status).toBe('succeeded');
    await durable.stop();
    expect(durable.database.flaws()).toEqual([]);
  });

  test('a listener that never returns, also at a stop and after it', async () => {
    const before = await durable.start([EndlessListener, ...race.providers]);
    const answer = before.answer('race');
    (await race.next('fast')).succeed('won');
    const { runId } = await answer;
    await race.next('slow');
    const service = await durable.start([EndlessListener, ...race.providers]);
    (await race.next('slow')).succeed();
    expect(await service.finishedRun(runId)).toMatchObject({ status: 'succeeded', reply: { result: 'won' } });
  });
});
