import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { PastRun } from '../../test/support/past-run.js';
import { createRuntime, type RuntimeOptions } from '../../test/support/runtime.js';
import type { Labels } from '../core/labels.js';

describe('Runs of different keys', () => {
  beforeEach(() => {
    useFakeClock();
  });
  afterEach(() => void jest.useRealTimers());

  /** A task of two sub-tasks that go on until they are ended, and what goes on and has begun of it. */
  function setUp(environment: Record<string, string>, options: RuntimeOptions) {
    const going: { readonly tenant: string; end(): void }[] = [];
    const begun: string[] = [];
    const run = (input: unknown) => {
      const tenant = String(input);
      const { promise, resolve } = Promise.withResolvers<string>();
      begun.push(tenant);
      const end = (): void => {
        resolve('done');
      };
      going.push({ tenant, end });
      return promise;
    };
    const runtime = createRuntime(
      [
        { name: 'x', run },
        { name: 'y', run },
      ],
      environment,
      options,
    );
    /** Resolves with how many are refused, and why. */
    const start = async (tenant: string, count = 1, labels?: Labels): Promise<string[]> => {
      const all = Array.from({ length: count }, () => runtime.tasks.start('task', { input: tenant, labels }));
      const refused = (await Promise.allSettled(all)).filter(({ status }) => status === 'rejected');
      await jest.advanceTimersByTimeAsync(0);
      return refused.map((result) => (result as { reason: Error }).reason.message);
    };
    /** Ends the first that goes on, or the first of a tenant. */
    const end = async (tenant = going[0]?.tenant): Promise<void> => {
      const [one] = going.splice(
        going.findIndex((each) => each.tenant === tenant),
        1,
      );
      one?.end();
      await jest.advanceTimersByTimeAsync(0);
    };
    const goingOf = (tenant: string) => going.filter((one) => one.tenant === tenant).length;
    return { ...runtime, going, begun, start, end, goingOf };
  }

  test('take turns, whichever waits for longer', async () => {
    const { start, end, begun } = setUp({ MAX_CONCURRENT_SUB_TASKS: '2' }, { concurrencyKey: '{input}' });
    await start('big', 20);
    await start('small', 2);
    await start('other');
    for (let turn = 0; turn < 8; turn += 1) await end();
    expect(begun.slice(0, 4).toSorted()).toEqual(['big', 'big', 'other', 'small']);
    expect(begun.slice(4, 8).filter((tenant) => tenant !== 'big').length).toBeGreaterThanOrEqual(2);
  });

  test('come in their order where the task names no key', async () => {
    const { start, end, begun } = setUp({ MAX_CONCURRENT_SUB_TASKS: '2' }, {});
    await start('big', 3);
    await start('small');
    for (let turn = 0; turn < 4; turn += 1) await end();
    expect(begun).toEqual(Array(6).fill('big'));
  });

  test('share one key where they have nothing at the names', async () => {
    const { start, end, begun, runs } = setUp(
      { MAX_CONCURRENT_SUB_TASKS: '2' },
      { concurrencyKey: '{labels.tenant}' },
    );
    await start('first', 2);
    await start('second');
    await start('known', 1, { tenant: 'known' });
    expect(runs.admission.busiestKeys(10)).toEqual([{ key: '["known"]', queued: 1 }]);
    for (let turn = 0; turn < 4; turn += 1) await end();
    expect(begun).toEqual(['first', 'first', 'known', 'first', 'known', 'first']);
  });

  test('have no more going each than concurrencyPerKey, over all sub-tasks, while others go on', async () => {
    const { start, end, goingOf, runs } = setUp(
      { MAX_CONCURRENT_SUB_TASKS: '10' },
      { concurrencyKey: '{input}', concurrencyPerKey: 3 },
    );
    await start('big', 20);
    expect([goingOf('big'), runs.freeSlots]).toEqual([3, 7]);
    await start('small');
    expect([goingOf('small'), runs.freeSlots]).toEqual([2, 5]);
    for (let turn = 0; turn < 30; turn += 1) {
      await end('big');
      expect(goingOf('big')).toBeLessThanOrEqual(3);
    }
    expect(goingOf('big')).toBe(3);
  });

  test('that are cancelled while they wait for their key give nothing back that they never had', async () => {
    const { start, end, goingOf, runs, tasks } = setUp(
      { MAX_CONCURRENT_SUB_TASKS: '10' },
      { concurrencyKey: '{input}', concurrencyPerKey: 2 },
    );
    await start('big');
    const { runId } = await tasks.start('task', { input: 'big' });
    runs.get(runId)?.cancel('on request');
    await start('big');
    expect([goingOf('big'), runs.counts.queued]).toEqual([2, 1]);
    await end('big');
    await end('big');
    expect([goingOf('big'), runs.counts.queued, runs.freeSlots]).toEqual([2, 0, 8]);
  });

  test('are refused past what the queue has room for besides, so that no key fills it', async () => {
    const { start, end, runs } = setUp(
      { MAX_CONCURRENT_SUB_TASKS: '2', MAX_QUEUED_RUNS: '12' },
      { concurrencyKey: '{input}' },
    );
    const why =
      '6 runs of the key ["big"] wait for a free slot; one key may have as many as there is room left for (MAX_QUEUED_RUNS)';
    expect(await start('big', 30)).toEqual(Array(23).fill(why));
    expect(await start('second', 30)).toHaveLength(27);
    expect(await start('third', 30)).toHaveLength(28);
    expect(await start('fourth')).toEqual([]);
    expect(runs.counts.queued).toBe(12);
    expect(await start('fifth')).toEqual(['12 runs wait for a free slot, as many as may']);
    expect(runs.admission.busiestKeys(2)).toEqual([
      { key: '["big"]', queued: 6 },
      { key: '["second"]', queued: 3 },
    ]);
    for (let turn = 0; turn < 26; turn += 1) await end();
    expect([runs.counts.queued, runs.admission.busiestKeys(10)]).toEqual([0, []]);
  });

  test('are refused past the queue alone as long as no run has had a key', async () => {
    const { start } = setUp(
      { MAX_CONCURRENT_SUB_TASKS: '2', MAX_QUEUED_RUNS: '12' },
      { concurrencyKey: '{labels.tenant}' },
    );
    expect(await start('any', 30)).toEqual(Array(17).fill('12 runs wait for a free slot, as many as may'));
  });

  test('are refused without a key too, once runs have one', async () => {
    const { start, runs } = setUp(
      { MAX_CONCURRENT_SUB_TASKS: '2', MAX_QUEUED_RUNS: '12' },
      { concurrencyKey: '{labels.tenant}' },
    );
    await start('any', 2, { tenant: 'known' });
    const refused = await start('any', 30);
    expect(refused[0]).toMatch(/^6 runs without a key wait for a free slot; one key may have as many/);
    expect(runs.counts.queued).toBe(7);
  });

  test('that wait for their key alone are refused too', async () => {
    const { start } = setUp({ MAX_QUEUED_RUNS: '4' }, { concurrencyKey: '{input}', concurrencyPerKey: 2 });
    expect(await start('big', 10)).toHaveLength(7);
    expect(await start('small')).toEqual([]);
  });

  test('have the same keys when they are resumed', async () => {
    const { start, resume, end, begun, runs } = setUp(
      { MAX_CONCURRENT_SUB_TASKS: '2' },
      { concurrencyKey: '{input}{labels.region}' },
    );
    const labels = { region: 'eu' };
    await start('big', 5, labels);
    await resume(new PastRun('task', ['x', 'y'], { input: 'big', labels }));
    await resume(new PastRun('task', ['x', 'y'], { input: 'small', labels }));
    await jest.advanceTimersByTimeAsync(0);
    expect(runs.admission.busiestKeys(2)).toEqual([
      { key: '["big","eu"]', queued: 5 },
      { key: '["small","eu"]', queued: 1 },
    ]);
    await end();
    expect(begun[2]).toBe('small');
  });
});
