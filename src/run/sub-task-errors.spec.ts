import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { StringValue } from 'ms';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { PastRun } from '../../test/support/past-run.js';
import { createRuntime } from '../../test/support/runtime.js';
import { SubTaskError, type SubTaskErrorOptions } from '../core/sub-task-error.js';

describe('a sub-task that throws a SubTaskError', () => {
  beforeEach(() => {
    useFakeClock();
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  const retry = { attempts: 3, delay: 100, maxDelay: 1_000 };

  /** The waits between its attempts, and the failure that ends it. */
  async function outcome(options: SubTaskErrorOptions, timeout: StringValue = '1h', maxWait?: StringValue) {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const run = () => Promise.reject(new SubTaskError('no', options));
    const waiting = { ...retry, ...(maxWait !== undefined && { maxWait }) };
    const runtime = createRuntime([{ name: 'a', timeout, retry: waiting, run }]);
    const refused = runtime.run().catch((error: unknown) => error);
    while (runtime.events.at(-1)?.type !== 'run.finished') {
      if (jest.getTimerCount() > 0) await jest.advanceTimersToNextTimerAsync();
      else await jest.advanceTimersByTimeAsync(0);
    }
    const waits = runtime.events.flatMap((event) =>
      event.type === 'sub-task.retrying' ? [event.data.delayMs] : [],
    );
    const failed = runtime.events.find((event) => event.type === 'sub-task.failed');
    const retried = runtime.events.find((event) => event.type === 'sub-task.retrying');
    return { waits, error: failed?.data.error, retriedFor: retried?.data.error, refused: await refused };
  }

  test('is recorded with its code and what the upstream answered, in events and in the failures of the run', async () => {
    const upstream = { status: 503, excerpt: 'down' };
    const { error, retriedFor, refused } = await outcome({ code: 'upstream-status', upstream });
    expect(retriedFor).toEqual(error);
    expect(Object.isFrozen(retriedFor?.upstream)).toBe(true);
    expect(error).toEqual({ code: 'upstream-status', message: 'no', upstream });
    expect(refused).toMatchObject({
      details: { failures: [{ subTask: 'a', code: 'upstream-status', message: 'no', upstream }] },
    });
  });

  test('is recorded as threw where its code is none, as JavaScript may have it', async () => {
    const { error } = await outcome({ code: 'order-4711' } as object);
    expect(error).toEqual({ code: 'threw', message: 'no' });
  });

  test('keeps no more than 500 characters of an excerpt', async () => {
    const excerpt = `${'x'.repeat(499)}🦊 and more`;
    const { error } = await outcome({ code: 'upstream-status', upstream: { status: 500, excerpt } });
    expect(error?.upstream?.excerpt).toBe(`${'x'.repeat(499)}\ufffd`);
  });

  test('is tried again as its retry says, unless it says that this mends nothing', async () => {
    expect((await outcome({})).waits).toEqual([50, 100]);
    expect((await outcome({ retry: true })).waits).toEqual([50, 100]);
    expect((await outcome({ retry: false })).waits).toEqual([]);
    expect((await outcome({ final: true })).waits).toEqual([]);
  });

  test('is tried again no sooner than it asks for, however short the timeout of an attempt is', async () => {
    expect((await outcome({ retryAfterMs: 70 })).waits).toEqual([70, 100]);
    expect((await outcome({ retryAfterMs: 1_000 }, '1ms')).waits).toEqual([1_000, 1_000]);
    expect((await outcome({ retryAfterMs: Number.NaN })).waits).toEqual([50, 100]);
  });

  test('is not tried again when it asks for more than retry.maxWait, by default retry.maxDelay, and says so', async () => {
    const { waits, error } = await outcome({ retryAfterMs: 1_001 });
    expect(waits).toEqual([]);
    expect(error?.message).toBe('no; the wait that it asks for is longer than retry.maxWait, 1000 ms');
    expect((await outcome({ retryAfterMs: 5_000 }, '1s', '5s')).waits).toEqual([5_000, 5_000]);
    expect((await outcome({ retryAfterMs: 501 }, '1s', '500ms')).waits).toEqual([]);
  });

  test('waits as long after a restart too', async () => {
    const runtime = createRuntime([{ name: 'a', timeout: '1m', retry, run: () => 'done' }]);
    await runtime.resume(new PastRun('task', ['a']).started('a').retrying('a', 30_000, 40_000));
    await jest.advanceTimersByTimeAsync(29_999);
    await runtime.journal.drain();
    expect(runtime.events).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    await runtime.journal.drain();
    expect(runtime.events.at(0)).toMatchObject({ type: 'sub-task.started', attempt: 2 });
  });

  test('puts a stack trace into the log only where its code says no more than that it threw', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    await outcome({ code: 'upstream-unreachable', retry: false });
    expect(warn).not.toHaveBeenCalled();
    await outcome({ retry: false });
    expect(warn).toHaveBeenCalledTimes(1);
  });
});
