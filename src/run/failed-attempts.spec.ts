import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { PastRun } from '../../test/support/past-run.js';
import { createRuntime } from '../../test/support/runtime.js';
import { SubTaskError } from '../core/sub-task-error.js';

type Runtime = ReturnType<typeof createRuntime>;

const succeeds = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms, 'done'));
const fails = (ms: number) => new Promise((_resolve, reject) => setTimeout(reject, ms, new Error('failed')));

function startsOf({ events }: Runtime): unknown[] {
  return events.flatMap((event) => (event.type === 'sub-task.started' ? [[event.subTask, event.data]] : []));
}

/** Starts a run; resolves with whatever it comes to. */
const begin = (runtime: Runtime) => runtime.run().catch((error: unknown) => error);

describe('a sub-task that starts later', () => {
  beforeEach(() => {
    useFakeClock(1_800_000_000_000);
  });
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  const notNow = () => Promise.reject(new SubTaskError('not now', { retryAfterMs: 5_000 }));

  test('with after-failed-attempt starts while the one before it waits for its retry, once for each', async () => {
    const runtime = createRuntime([
      { name: 'a', retry: { attempts: 3, delay: 0 }, run: notNow },
      { name: 'b', start: 'after-failed-attempt', retry: { attempts: 2, delay: 0 }, run: () => fails(100) },
      { name: 'c', start: 'after-failed-attempt', run: () => succeeds(6_000) },
    ]);
    const answer = begin(runtime);
    await jest.advanceTimersByTimeAsync(0);
    expect(startsOf(runtime)).toEqual([
      ['a', {}],
      ['b', { trigger: 'failed-attempt' }],
    ]);
    await jest.advanceTimersByTimeAsync(6_100);
    expect(await answer).toMatchObject({ answeredBy: 'c', background: ['a'] });
    expect(startsOf(runtime)).toContainEqual(['c', { trigger: 'failed-attempt' }]);
    await jest.advanceTimersByTimeAsync(5_000);
  });

  test('with after-failure starts for each that has failed, also while an earlier one waits for its retry', async () => {
    const runtime = createRuntime([
      { name: 'a', retry: { attempts: 2, delay: 0 }, run: notNow },
      { name: 'b', start: 'after-failed-attempt', run: () => fails(100) },
      { name: 'c', start: 'after-failure', run: () => succeeds(100) },
    ]);
    const answer = begin(runtime);
    await jest.advanceTimersByTimeAsync(200);
    expect(await answer).toMatchObject({ answeredBy: 'c', background: ['a'] });
    expect(startsOf(runtime)).toContainEqual(['c', { trigger: 'failure' }]);
    await jest.advanceTimersByTimeAsync(5_000);
  });

  test('with after-failure waits for the last attempt', async () => {
    const runtime = createRuntime([
      { name: 'a', retry: { attempts: 2 }, run: notNow },
      { name: 'b', start: 'after-failure', run: () => succeeds(1) },
    ]);
    const answer = begin(runtime);
    await jest.advanceTimersByTimeAsync(4_990);
    expect(startsOf(runtime)).toEqual([['a', {}]]);
    await jest.advanceTimersByTimeAsync(100);
    expect(await answer).toMatchObject({ answeredBy: 'b' });
  });

  test('is skipped where a failure is final, while those that run go on', async () => {
    const final = new SubTaskError('the input is at fault', { final: true });
    const runtimeOf = (other: () => Promise<unknown>) =>
      createRuntime([
        { name: 'a', retry: { attempts: 3 }, run: () => Promise.reject(final) },
        { name: 'b', run: other },
        { name: 'c', start: { after: '50ms' }, run: () => succeeds(1) },
        { name: 'd', start: 'after-failed-attempt', run: () => succeeds(1) },
      ]);
    const lost = runtimeOf(() => fails(100));
    const refused = begin(lost);
    const won = runtimeOf(() => succeeds(100));
    const answer = begin(won);
    await jest.advanceTimersByTimeAsync(100);
    expect(await answer).toMatchObject({ answeredBy: 'b', status: 'partly-failed' });
    const skipped = { code: 'skipped', message: expect.stringContaining('would fare no better') };
    expect(await refused).toMatchObject({
      code: 'run-failed',
      details: {
        failures: [
          { subTask: 'a', code: 'threw', message: 'the input is at fault', final: true },
          { subTask: 'c', ...skipped },
          { subTask: 'd', ...skipped },
          { subTask: 'b', code: 'threw', message: 'failed' },
        ],
      },
    });
    for (const runtime of [lost, won]) expect(startsOf(runtime)).toHaveLength(2);
  });

  describe('after a crash', () => {
    const runtimeOf = () =>
      createRuntime([
        { name: 'a', retry: { attempts: 2 }, run: () => succeeds(1) },
        { name: 'b', start: 'after-failed-attempt', run: () => succeeds(50) },
        { name: 'c', start: 'after-failed-attempt', run: () => succeeds(50) },
      ]);
    const left = () => new PastRun('task', ['a', 'b', 'c']).started('a');

    test('starts for a failed attempt that none has started for', async () => {
      const runtime = runtimeOf();
      await runtime.resume(left().retrying('a', 5_000));
      await jest.advanceTimersByTimeAsync(0);
      expect(startsOf(runtime)).toEqual([['b', { trigger: 'failed-attempt' }]]);
      await jest.advanceTimersByTimeAsync(6_000);
      expect(startsOf(runtime)).toHaveLength(2);
    });

    test('starts for a failure that none has started for, though an attempt of another has', async () => {
      const runtime = createRuntime([
        { name: 'a', retry: { attempts: 2 }, run: () => succeeds(1) },
        { name: 'b', start: 'after-failed-attempt', run: () => succeeds(50) },
        { name: 'c', start: 'after-failure', run: () => succeeds(50) },
      ]);
      await runtime.resume(left().retrying('a', 5_000).startedBy('failed-attempt', 'b').failed('b'));
      await jest.advanceTimersByTimeAsync(0);
      expect(startsOf(runtime)).toEqual([['c', { trigger: 'failure' }]]);
      await jest.advanceTimersByTimeAsync(6_000);
    });

    test('is skipped where a failure was final', async () => {
      const runtime = runtimeOf();
      await runtime.resume(left().failed('a', { final: true }));
      await jest.advanceTimersByTimeAsync(0);
      expect(startsOf(runtime)).toEqual([]);
      expect(runtime.events.at(-1)).toMatchObject({ type: 'run.finished', data: { status: 'failed' } });
    });
  });
});
