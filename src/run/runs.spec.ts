import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { PastRun } from '../../test/support/past-run.js';
import { createRuntime } from '../../test/support/runtime.js';
import { acceptRun } from '../tasks/accepted-run.js';
import type { SubTaskContext } from '../core/sub-task.js';
import { MemoryBudget } from '../core/memory-budget.js';

const typesOf = ({ events }: ReturnType<typeof createRuntime>) => events.map(({ type }) => type);
const never = () => new Promise(() => undefined);

describe('Runs', () => {
  beforeEach(() => {
    useFakeClock();
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  test('starts every sub-task before it waits for any, also when one throws at once and one wins at once', async () => {
    const begun: string[] = [];
    const runtime = createRuntime(
      ['throws', 'wins', 'last'].map((name) => ({
        name,
        run: () => {
          begun.push(name);
          if (name === 'throws') throw new Error('at once');
          return name === 'wins' ? name : never();
        },
      })),
    );
    expect(await runtime.run()).toMatchObject({ answeredBy: 'wins', background: ['last'] });
    expect(begun).toEqual(['throws', 'wins', 'last']);
    expect(typesOf(runtime).slice(0, 4)).toEqual([
      'run.started',
      ...Array<string>(3).fill('sub-task.started'),
    ]);
  });

  test('resumes no runs of before while those that go on fill the memory that is allowed', async () => {
    const { promise, resolve } = Promise.withResolvers();
    const memory = new MemoryBudget(2 ** 20);
    const runtime = createRuntime([{ name: 'a', run: () => promise }], {}, { memory });
    const run = await acceptRun(runtime.task, {}, {}, undefined);
    runtime.runs.start({ ...run, inputBytes: 2 ** 20 });
    let hasRoom = false;
    const room = runtime.runs.roomInQueue().then(() => (hasRoom = true));
    await runtime.journal.drain();
    expect(hasRoom).toBe(false);
    resolve('done');
    expect(await room).toBe(true);
  });

  test('draws each wait between 0 and a bound that doubles up to its cap', async () => {
    const waits = async (random: number): Promise<number[]> => {
      jest.spyOn(Math, 'random').mockReturnValue(random);
      const retry = { attempts: 6, delay: 100, maxDelay: 500 };
      const runtime = createRuntime([{ name: 'a', retry, run: () => Promise.reject(new Error('no')) }]);
      const refused = runtime.run().catch(() => 'refused');
      while (typesOf(runtime).at(-1) !== 'run.finished') await jest.advanceTimersToNextTimerAsync();
      await refused;
      return runtime.events.flatMap((event) =>
        event.type === 'sub-task.retrying' ? [event.data.delayMs] : [],
      );
    };
    expect(await waits(0)).toEqual([0, 0, 0, 0, 0]);
    expect(await waits(0.5)).toEqual([50, 100, 200, 250, 250]);
    expect(await waits(0.999_999)).toEqual([99, 199, 399, 499, 499]);
  });

  test('aborts the signal of an attempt that times out, and leaves no listener on the signals of others', async () => {
    const signals: AbortSignal[] = [];
    const runtime = createRuntime([
      {
        name: 'slow',
        timeout: 50,
        run: (_input, { signal }: SubTaskContext) => {
          signals.push(signal);
          return never();
        },
      },
      {
        name: 'quick',
        run: (_input, { signal }: SubTaskContext) => {
          signals.push(signal);
          return 'quick';
        },
      },
    ]);
    await runtime.run();
    await jest.advanceTimersByTimeAsync(50);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(signals.flatMap((signal) => getEventListeners(signal, 'abort'))).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('gives a handler that asks late an aborted signal', async () => {
    let late: SubTaskContext | undefined;
    const run = (_input: unknown, context: SubTaskContext) => {
      late = context;
      return never();
    };
    const runtime = createRuntime([{ name: 'slow', timeout: 50, run }]);
    const refused = runtime.run().catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(50);
    expect(await refused).toMatchObject({ code: 'run-failed' });
    expect(late?.signal.aborted).toBe(true);
  });

  test('skips what waits for a slot when it is not needed any more, and frees the slots of what it cancels', async () => {
    const subTasks = ['a', 'b', 'c'].map((name) => ({ name, run: () => (name === 'a' ? name : never()) }));
    const runtime = createRuntime(subTasks, { MAX_CONCURRENT_SUB_TASKS: '1' });
    await runtime.run({ losers: 'cancel' });
    const again = await runtime.run({ losers: 'cancel' });
    expect(again.answeredBy).toBe('a');
    const run = await runtime.journal.run(again.runId);
    expect(run?.subTasks.map(({ status }) => status)).toEqual(['succeeded', 'cancelled', 'skipped']);
    expect(run?.status).toBe('succeeded');
  });

  test('cancels losers after their time, and not at all when they finish before', async () => {
    const subTasks = [
      { name: 'quick', run: () => 'quick' },
      {
        name: 'slow',
        run: () =>
          new Promise((resolve) =>
            setTimeout(() => {
              resolve('slow');
            }, 100),
          ),
      },
    ];
    const losers = (after: '50ms' | '200ms') => ({ losers: { policy: 'cancel-after' as const, after } });
    const runtime = createRuntime(subTasks);
    const cut = await runtime.run(losers('50ms'));
    const kept = await runtime.run(losers('200ms'));
    await jest.advanceTimersByTimeAsync(100);
    const statuses = async (runId: string) =>
      (await runtime.journal.run(runId))?.subTasks.map(({ status }) => status);
    expect(await statuses(cut.runId)).toEqual(['succeeded', 'cancelled']);
    expect(await statuses(kept.runId)).toEqual(['succeeded', 'succeeded']);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('refuses runs past the bound of its queue, and takes them again when there is room', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const bounds = { MAX_CONCURRENT_SUB_TASKS: '1', MAX_QUEUED_RUNS: '1' };
    const runtime = createRuntime([{ name: 'a', run: () => gate }], bounds);
    const running = runtime.run();
    await jest.advanceTimersByTimeAsync(0);
    const queued = runtime.run();
    await jest.advanceTimersByTimeAsync(0);
    await expect(runtime.run()).rejects.toMatchObject({ code: 'overloaded' });
    release();
    await Promise.all([running, queued]);
    expect(await runtime.run()).toMatchObject({ status: 'succeeded' });
  });

  test('refuses runs that would wait for a sub-task of bounded concurrency, and no others', async () => {
    const limited = createRuntime([{ name: 'limited', concurrency: 1, run: never }], {
      MAX_QUEUED_RUNS: '1',
    });
    for (let n = 0; n < 2; n += 1) {
      void limited.run();
      await jest.advanceTimersByTimeAsync(0);
    }
    await expect(limited.run()).rejects.toMatchObject({ code: 'overloaded' });
    const { task } = createRuntime([{ name: 'free', run: () => 'free' }]);
    const run = await acceptRun(task, {}, {}, undefined);
    limited.runs.start(run);
    await jest.advanceTimersByTimeAsync(0);
    expect(await limited.journal.run(run.id)).toMatchObject({ subTasks: [{ status: 'succeeded' }] });
  });

  test('refuses runs whose inputs would take more memory than is allowed', async () => {
    const memory = new MemoryBudget(2 ** 20);
    const runtime = createRuntime([{ name: 'a', run: never }], {}, { memory });
    const input = Array.from({ length: 1_000 }, () => ({}));
    for (let n = 0; n < 6; n += 1) void runtime.run({ input });
    await jest.advanceTimersByTimeAsync(0);
    await expect(runtime.run({ input })).rejects.toMatchObject({ code: 'overloaded' });
    expect(runtime.events.filter(({ type }) => type === 'run.started').length).toBeGreaterThan(1);
  });

  test('records whatever is thrown, a revoked proxy included', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const run = () => {
      throw proxy as Error;
    };
    const runtime = createRuntime([
      { name: 'a', retry: { attempts: 2, delay: 0, except: [TypeError] }, run },
    ]);
    const refused = runtime.run().catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(1);
    expect(await refused).toMatchObject({
      details: { failures: [{ code: 'threw', message: 'something that has no text' }] },
    });
  });

  test('gives sub-tasks and listeners nothing that they could change for others', async () => {
    const run = (input: { list: number[] }) => input.list.push(1);
    const runtime = createRuntime([{ name: 'a', run: run as (input: unknown) => unknown }]);
    await runtime.run({ input: { list: [] } }).catch(() => undefined);
    expect(runtime.events.find(({ type }) => type === 'sub-task.failed')).toMatchObject({
      data: { error: { code: 'threw' } },
    });
    const shared = runtime.events.flatMap(({ data }) =>
      Object.entries(data).filter(([key]) =>
        ['input', 'replyPolicy', 'losers', 'error', 'reply'].includes(key),
      ),
    );
    expect(shared.map(([key]) => key).sort()).toEqual(['error', 'input', 'losers', 'reply', 'replyPolicy']);
    expect(shared.every(([, value]) => Object.isFrozen(value))).toBe(true);
  });

  test('makes an attempt at once whose time came while no process was there', async () => {
    const runtime = createRuntime([{ name: 'a', run: () => 'done' }]);
    await runtime.resume(new PastRun('task', ['a']).started('a').retrying('a', -1_000, 50));
    await runtime.journal.drain();
    expect(runtime.events.at(0)).toMatchObject({ type: 'sub-task.started', attempt: 2 });
  });

  test('records one outcome of a sub-task that is cancelled while it begins', async () => {
    const runtime = createRuntime([
      {
        name: 'a',
        run: (_input, { runId }: SubTaskContext) => {
          runtime.runs.get(runId)?.cancel('changed its mind');
          return 'too late';
        },
      },
    ]);
    await expect(runtime.run()).rejects.toMatchObject({ code: 'run-cancelled' });
    await jest.advanceTimersByTimeAsync(0);
    expect(typesOf(runtime)).toEqual([
      'run.started',
      'sub-task.started',
      'sub-task.cancelled',
      'run.replied',
      'run.finished',
    ]);
  });
});
