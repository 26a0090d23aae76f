import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { createRuntime } from '../../test/support/runtime.js';
import type { BreakerOptions } from '../core/breaker.js';
import type { DomainError } from '../core/domain-error.js';
import { SubTaskError } from '../core/sub-task-error.js';

const breaker: BreakerOptions = { upstream: 'eu', least: 2 };
const succeeds = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms, 'done'));
const down = () => Promise.reject(new SubTaskError('down', { code: 'upstream-unreachable' }));

describe('a sub-task with a breaker', () => {
  beforeEach(() => {
    useFakeClock(1_800_000_000_000);
  });
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  type Runtime = ReturnType<typeof createRuntime>;

  /** Begins a run and lets time pass. @returns what it comes to */
  const begin = async (runtime: Runtime, ms = 10) => {
    const answer = runtime.run().catch((error: unknown) => (error as DomainError).details);
    await jest.advanceTimersByTimeAsync(ms);
    return answer;
  };
  /** What was recorded of a sub-task since the last time. */
  const told = ({ events }: Runtime, subTask: string) =>
    events.splice(0).flatMap((event) => {
      if (!('subTask' in event) || event.subTask !== subTask) return [];
      const error = 'error' in event.data ? event.data.error : undefined;
      return [[event.type, event.attempt, error?.code ?? event.data]];
    });

  test('fails at once while it is open, without an attempt, and the next starts', async () => {
    const a = jest.fn(down);
    const runtime = createRuntime([
      { name: 'a', breaker, run: a },
      { name: 'b', start: 'after-failure', run: () => succeeds(1) },
    ]);
    for (let n = 0; n < 3; n += 1) expect(await begin(runtime)).toMatchObject({ answeredBy: 'b' });
    expect(a).toHaveBeenCalledTimes(2);
    expect(told(runtime, 'a').slice(-1)).toEqual([['sub-task.failed', 0, 'circuit-open']]);
    expect(await begin(runtime)).toMatchObject({ answeredBy: 'b' });
    expect(told(runtime, 'b')[0]).toEqual(['sub-task.started', 1, { trigger: 'failure' }]);
    expect(runtime.runs.counts).toMatchObject({ active: 0, queued: 0 });
  });

  test('is asked again behind the cooldown, by one run of several', async () => {
    let isDown = true;
    const a = jest.fn(() => (isDown ? down() : succeeds(5)));
    const runtime = createRuntime([{ name: 'a', breaker, run: a }]);
    for (let n = 0; n < 3; n += 1)
      expect(await begin(runtime)).toMatchObject({
        failures: [{ code: n < 2 ? 'upstream-unreachable' : 'circuit-open' }],
      });
    isDown = false;
    await jest.advanceTimersByTimeAsync(5_000);
    const answers = [begin(runtime), begin(runtime)];
    await jest.advanceTimersByTimeAsync(10);
    expect(await answers[0]).toMatchObject({ answeredBy: 'a' });
    expect(await answers[1]).toMatchObject({ failures: [{ code: 'circuit-open' }] });
    expect(a).toHaveBeenCalledTimes(3);
    expect(await begin(runtime)).toMatchObject({ answeredBy: 'a' });
  });

  test('makes no attempt that would begin while it is open, and says so', async () => {
    const runtime = createRuntime([
      { name: 'a', breaker, retry: { attempts: 5, delay: 100, maxDelay: 100 }, run: down },
    ]);
    expect(await begin(runtime, 200)).toMatchObject({
      failures: [
        {
          code: 'upstream-unreachable',
          message: 'down; its breaker lets no attempt begin when the next one would',
        },
      ],
    });
    expect(told(runtime, 'a').map((event) => event.slice(0, 2))).toEqual([
      ['sub-task.started', 1],
      ['sub-task.retrying', 1],
      ['sub-task.started', 2],
      ['sub-task.failed', 2],
    ]);
  });

  test('waits as long as Retry-After asks for, and then probes with its retry', async () => {
    const answers = [() => Promise.reject(new SubTaskError('busy', { retryAfterMs: 2_000 })), () => 'done'];
    const runtime = createRuntime([
      { name: 'a', breaker, retry: { attempts: 2 }, run: () => answers.shift()?.() },
    ]);
    const first = runtime.run();
    await jest.advanceTimersByTimeAsync(0);
    expect(await begin(runtime)).toMatchObject({ failures: [{ code: 'circuit-open' }] });
    await jest.advanceTimersByTimeAsync(2_000);
    expect(await first).toMatchObject({ answeredBy: 'a', result: 'done' });
  });

  test('gives back the slot of an attempt that may not begin', async () => {
    const runtime = createRuntime(
      [
        { name: 'a', breaker, run: down },
        { name: 'b', run: () => succeeds(1_000) },
      ],
      { MAX_CONCURRENT_SUB_TASKS: '1' },
    );
    const runs = [runtime.run(), runtime.run(), runtime.run()];
    await jest.advanceTimersByTimeAsync(0);
    await jest.advanceTimersByTimeAsync(3_000);
    const ofThird = runtime.events.filter((event) => event.runId === runtime.events.at(-1)?.runId);
    expect(ofThird.find(({ type }) => type === 'sub-task.failed')).toMatchObject({
      ...{ subTask: 'a', attempt: 0, data: { error: { code: 'circuit-open' } } },
    });
    expect((await Promise.all(runs)).map((reply) => 'result' in reply && reply.result)).toEqual([
      ...['done', 'done', 'done'],
    ]);
    void runtime.run();
    const since = runtime.events.length;
    await jest.advanceTimersByTimeAsync(0);
    expect(runtime.events.slice(since).map(({ type }) => type)).toContain('sub-task.failed');
    await jest.advanceTimersByTimeAsync(1_000);
    expect(runtime.runs.freeSlots).toBe(1);
  });

  test('fails although all slots are taken', async () => {
    const runtime = createRuntime(
      [
        { name: 'b', run: () => succeeds(1_000) },
        { name: 'a', breaker, run: down },
      ],
      { MAX_CONCURRENT_SUB_TASKS: '1' },
    );
    const passage = runtime.breakers.admit(runtime.task.subTasks[1]!.breaker!, 'task', 'a');
    if (!('code' in passage)) passage.failed({ code: 'upstream-status', message: '' }, 1_000);
    const answer = runtime.run();
    await jest.advanceTimersByTimeAsync(0);
    expect(runtime.runs.freeSlots).toBe(0);
    expect(told(runtime, 'a')).toEqual([['sub-task.failed', 0, 'circuit-open']]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await answer).toMatchObject({ answeredBy: 'b' });
  });

  test('comes last in an order that is learned, as long as it is open', async () => {
    const learnt = { order: ['a', 'b', 'c'], leastKnown: [], allKnown: true };
    const runtime = createRuntime(
      [
        { name: 'a', breaker, run: () => succeeds(5) },
        { name: 'b', start: 'after-failure', run: () => succeeds(5) },
        { name: 'c', start: 'after-failure', run: () => succeeds(5) },
      ],
      {},
      { order: 'learned', hedgeBudget: 0, learntOrder: () => learnt },
    );
    const [{ breaker: terms } = { breaker: undefined }] = runtime.task.subTasks;
    const passage = runtime.breakers.admit(terms!, 'task', 'a');
    if (!('code' in passage)) passage.failed({ code: 'upstream-status', message: '' }, 1_000);
    expect(await begin(runtime)).toMatchObject({ answeredBy: 'b' });
    expect(runtime.events[0]).toMatchObject({ data: { subTasks: ['b', 'c', 'a'] } });
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await begin(runtime)).toMatchObject({ answeredBy: 'a' });
  });

  test('is left to the next when its probe is cancelled', async () => {
    const runtime = createRuntime(
      [
        { name: 'a', breaker, run: () => (Date.now() < 1_800_000_005_000 ? down() : succeeds(100)) },
        { name: 'b', run: () => succeeds(5) },
      ],
      {},
      { losers: 'cancel' },
    );
    for (let n = 0; n < 2; n += 1) await begin(runtime);
    await jest.advanceTimersByTimeAsync(5_000);
    await begin(runtime);
    expect(runtime.breakers.states()).toMatchObject([{ upstream: 'eu', state: 'half-open' }]);
    expect(runtime.breakers.refusal(runtime.task.subTasks[0]!.breaker!, 'task', 'a')).toBeUndefined();
    await jest.advanceTimersByTimeAsync(100);
  });
});
