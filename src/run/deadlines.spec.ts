import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { PastRun } from '../../test/support/past-run.js';
import { createRuntime } from '../../test/support/runtime.js';
import { systemClock } from '../core/clock.js';
import type { RunEvent } from '../core/events.js';
import type { ReplyPolicy } from '../core/policies.js';
import type { Decision } from '../core/run.js';
import { SubTaskError } from '../core/sub-task-error.js';
import { RunReply } from './run-reply.js';

const reply: ReplyPolicy = { policy: 'deadline', deadline: '1s' };

describe('the deadline', () => {
  beforeEach(() => {
    useFakeClock(0);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** `a` and `b`, each of which ends after so many milliseconds; 0 fails at once. */
  const runtimeOf = (a: number, b: number) => {
    const run = (ms: number) => () =>
      ms === 0
        ? Promise.reject(new Error('no'))
        : new Promise((resolve) => {
            setTimeout(resolve, ms, ms);
          });
    return createRuntime([
      { name: 'a', run: run(a) },
      { name: 'b', run: run(b) },
    ]);
  };
  type Runtime = ReturnType<typeof runtimeOf>;
  const repliesOf = ({ events }: Runtime) =>
    events.filter((event): event is RunEvent<'run.replied'> => event.type === 'run.replied');
  const finish = async ({ events }: Runtime) => {
    while (events.at(-1)?.type !== 'run.finished') await jest.advanceTimersToNextTimerAsync();
    expect(jest.getTimerCount()).toBe(0);
    return events.at(-1);
  };

  describe('of a reply', () => {
    test('makes it of what has succeeded; the rest goes on', async () => {
      const runtime = runtimeOf(500, 2_000);
      const answer = runtime.run({ reply });
      await jest.advanceTimersByTimeAsync(1_000);
      expect(await answer).toMatchObject({
        status: 'running',
        answeredBy: ['a'],
        result: { a: 500 },
        missing: ['b'],
        background: ['b'],
      });
      expect(await finish(runtime)).toMatchObject({ data: { status: 'succeeded' } });
      expect(repliesOf(runtime)).toHaveLength(1);
    });

    test('comes too late for a run that has ended', async () => {
      const runtime = runtimeOf(500, 600);
      const answer = runtime.run({ reply });
      await finish(runtime);
      expect(await answer).toMatchObject({ result: { a: 500, b: 600 } });
      expect(await answer).not.toHaveProperty('missing');
    });

    test('is told once the journal has what it made, and not when a retry comes before', async () => {
      const appendOwn = jest.fn<(type: string, decision: Decision) => void>();
      const terms = { replyPolicy: reply, losers: 'continue', subTasks: ['a', 'b'] };
      const run = {
        execution: { clock: systemClock },
        terms,
        subTasks: [],
        cancel: jest.fn(),
        appendOwn,
        conclude: () => replying.decide(),
      };
      const replying = new RunReply(run as unknown as ConstructorParameters<typeof RunReply>[0]);
      const told = jest.fn();
      void replying.wait(60_000).then(told);
      jest.advanceTimersByTime(1_000);
      const [, refusal] = appendOwn.mock.lastCall!;
      expect(refusal).toMatchObject({ reply: { error: { code: 'deadline-exceeded' } } });
      await jest.advanceTimersByTimeAsync(1);
      expect(told).not.toHaveBeenCalled();
      replying.unsettle('a');
      replying.replyIsRecorded(refusal, '2026-01-01T00:00:00.000Z');
      await jest.advanceTimersByTimeAsync(1);
      expect(told).not.toHaveBeenCalled();
      for (const subTask of ['a', 'b']) replying.settle({ subTask, status: 'succeeded', result: subTask });
      replying.decide();
      await jest.advanceTimersByTimeAsync(1);
      expect(told).toHaveBeenCalledWith(
        expect.objectContaining({ reply: { answeredBy: ['a', 'b'], result: { a: 'a', b: 'b' } } }),
      );

      const other = new RunReply(run as unknown as ConstructorParameters<typeof RunReply>[0]);
      run.conclude = () => other.decide();
      void other.wait(60_000).then(told);
      other.settle({ subTask: 'a', status: 'succeeded', result: 'a' });
      jest.advanceTimersByTime(1_000);
      other.replyIsRecorded(appendOwn.mock.lastCall![1], '2026-01-01T00:00:00.000Z');
      await jest.advanceTimersByTimeAsync(1);
      expect(told).toHaveBeenLastCalledWith(
        expect.objectContaining({ reply: { answeredBy: ['a'], result: { a: 'a' }, missing: ['b'] } }),
      );
    });

    test('counts from the start of a run that another process began', async () => {
      const passed = runtimeOf(100, 100);
      await passed.resume(
        new PastRun('task', ['a', 'b'], { reply, agoMs: 1_000 }).succeeded('a', 'A').started('b'),
      );
      await finish(passed);
      expect(repliesOf(passed)).toMatchObject([
        { data: { reply: { result: { a: 'A' }, missing: ['b'] }, background: ['b'] } },
      ]);

      const ahead = runtimeOf(100, 700);
      const begun = Date.now();
      await ahead.resume(new PastRun('task', ['a', 'b'], { reply, agoMs: 400 }));
      await finish(ahead);
      const [replied] = repliesOf(ahead);
      expect(replied).toMatchObject({ data: { reply: { answeredBy: ['a'] } } });
      expect(Date.parse(replied!.time) - begun).toBe(600);
    });

    test('has decided for good, after a restart too, unless a failed sub-task is retried', async () => {
      const late = new PastRun('task', ['a', 'b'], { reply, agoMs: 5_000 }).started('a', 'b');
      const told = runtimeOf(100, 100);
      await told.resume(late.late());
      expect(await finish(told)).toMatchObject({ data: { status: 'failed' } });
      expect(repliesOf(told)).toEqual([]);

      const retried = runtimeOf(100, 100);
      await retried.resume(late.failed('a').retrying('a', 0));
      expect(await finish(retried)).toMatchObject({ data: { status: 'succeeded' } });
      expect(repliesOf(retried)).toMatchObject([{ data: { reply: { result: { a: 100, b: 100 } } } }]);
    });

    test('that was an error becomes a result when a retry succeeds', async () => {
      const runtime = runtimeOf(0, 3_000);
      const started = await runtime.tasks.start('task', { reply: { ...reply, min: 2 } });
      const all = await runtime.tasks.start('task', { reply });
      const outcome = runtime.tasks.reply(all).catch((error: unknown) => error);
      await jest.advanceTimersByTimeAsync(1_000);
      await expect(runtime.tasks.reply(started)).rejects.toMatchObject({ code: 'run-failed' });
      expect(await outcome).toMatchObject({
        code: 'deadline-exceeded',
        details: { runId: all.runId, missing: ['a', 'b'], failures: [{ subTask: 'a' }] },
      });
      await runtime.control.retry(all.runId, 'a');
      await finish(runtime);
      const [last] = repliesOf(runtime).slice(-1);
      expect(last).toMatchObject({
        runId: all.runId,
        data: { reply: { result: { b: 3_000 }, missing: ['a'] } },
      });
    });
  });

  describe('of a run', () => {
    test('cancels what is unfinished, retries that wait too', async () => {
      const runtime = createRuntime([
        {
          name: 'a',
          retry: { attempts: 2, delay: '3s' },
          run: (_input, { attempt }) =>
            attempt === 1 ? Promise.reject(new Error('no')) : new Promise(() => undefined),
        },
        { name: 'b', run: () => new Promise(() => undefined) },
      ]);
      jest.spyOn(Math, 'random').mockReturnValue(0.5);
      const answer = runtime.run({ deadline: '2s' }).catch((error: unknown) => error);
      const begun = Date.now();
      expect(await finish(runtime)).toMatchObject({ data: { status: 'failed' } });
      expect(Date.now() - begun).toBe(2_000);
      expect(await answer).toMatchObject({
        code: 'deadline-exceeded',
        details: { missing: ['a', 'b'], failures: [{ code: 'cancelled' }, { code: 'cancelled' }] },
      });
      jest.restoreAllMocks();
    });

    test('lets no sub-task wait for an attempt that would come after it', async () => {
      const runtime = createRuntime([
        {
          name: 'a',
          retry: { attempts: 9, delay: 0, maxWait: '1h' },
          run: () => Promise.reject(new SubTaskError('not now', { retryAfterMs: 700 })),
        },
        { name: 'b', start: 'after-failure', run: () => 'fallback' },
      ]);
      const past = new PastRun('task', ['a', 'b'], { deadline: '2s', agoMs: 1_000 });
      await runtime.resume(past.started('a'));
      const answer = runtime.run({ deadline: '2s' });
      await finish(runtime);
      expect(await answer).toMatchObject({ answeredBy: 'b' });
      const failed = runtime.events.filter((event) => event.type === 'sub-task.failed');
      expect(failed.map(({ attempt, data }) => [attempt, data.durationMs, data.error.message])).toEqual([
        [3, expect.any(Number), 'not now; the next attempt would come after the deadline of the run'],
        [3, 1_400, 'not now; the next attempt would come after the deadline of the run'],
      ]);
    });

    test('leaves the reply what has succeeded, and outlives a restart', async () => {
      const past = new PastRun('task', ['a', 'b'], { deadline: '1m', agoMs: 60_000 });
      const runtime = runtimeOf(100, 100);
      await runtime.resume(past.started('a', 'b').succeeded('a', 'A').replied('a', 'A'));
      expect(await finish(runtime)).toMatchObject({ data: { status: 'succeeded' } });
      expect(runtime.events.map(({ type }) => type)).toEqual(['sub-task.cancelled', 'run.finished']);
    });

    test('doesn’t end what is retried after the run', async () => {
      const runtime = runtimeOf(0, 100);
      const { runId } = await runtime.tasks.start('task', { deadline: '1s' });
      await finish(runtime);
      await jest.advanceTimersByTimeAsync(5_000);
      await runtime.control.retry(runId, 'a');
      await finish(runtime);
      expect(runtime.events.at(-2)).toMatchObject({ type: 'sub-task.failed', attempt: 2 });
    });
  });
});
