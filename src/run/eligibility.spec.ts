import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { PastRun } from '../../test/support/past-run.js';
import { policyFor, racing, runOf, toldOf } from '../../test/support/race-cases.js';
import { finish, linesOf } from '../../test/support/run-lines.js';
import { createRuntime } from '../../test/support/runtime.js';
import type { RunRequest } from '../tasks/tasks.schemas.js';

type Runtime = ReturnType<typeof createRuntime>;

const after = (ms: number) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms, ms);
  });

describe('a sub-task with `when`', () => {
  beforeEach(() => {
    useFakeClock(1_800_000_000_000);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('leaves the race as if it were not there where it is false', async () => {
    const cases = racing.chain((list) =>
      fc.record({
        list: fc.constant(list),
        eligible: fc.subarray(list, { minLength: 1 }),
        reply: policyFor(list.map(({ name }) => name)),
        isLate: fc.boolean(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ({ list, eligible, reply, isLate }) => {
        const names = eligible.map(({ name }) => name);
        // What no eligible ones could meet is an error at once; whom they are said to lack differs.
        fc.pre(reply.policy !== 'primary' || names.includes(reply.primary));
        fc.pre(reply.policy !== 'quorum' || reply.quorum <= names.length);
        fc.pre(reply.policy !== 'agreement' || reply.agreement <= names.length);
        const left = list.filter((subTask) => !eligible.includes(subTask)).map(({ name }) => name);
        const when = (name: string) => (input: unknown) => {
          const holds = (input as readonly string[]).includes(name);
          return isLate ? Promise.resolve(holds) : holds;
        };
        const told = [];
        for (const subTasks of [eligible, list]) {
          const runtime = createRuntime(
            subTasks.map((subTask) => ({ ...subTask, when: when(subTask.name), run: runOf(subTask) })),
            {},
            { hedgeBudget: 10 },
          );
          void runtime.run({ reply, input: names }).catch(() => undefined);
          await finish(runtime);
          const { replies, ...others } = toldOf(runtime, left);
          told.push({
            ...others,
            replies: replies.map(({ at, reply: said }) =>
              'error' in said ? { at, code: said.error.code, missing: said.error.missing } : { at, said },
            ),
          });
          if (subTasks === list)
            for (const name of left)
              expect(linesOf(runtime, name)).toEqual(['sub-task.skipped: when is false']);
        }
        expect(told[1]).toEqual(told[0]);
      }),
      { numRuns: 300 },
    );
  });

  const a = { name: 'a', run: () => after(10) };
  const begin = async (runtime: Runtime, request: RunRequest = {}): Promise<void> => {
    void runtime.run(request).catch(() => undefined);
    await jest.advanceTimersByTimeAsync(0);
  };

  test('is asked of the input that its schema made, and takes no slot where it is false', async () => {
    const asked: unknown[] = [];
    const runtime = createRuntime(
      [
        a,
        {
          ...a,
          name: 'b',
          when: (input) => {
            asked.push(input);
            return false;
          },
        },
      ],
      { MAX_CONCURRENT_SUB_TASKS: '1' },
    );
    await begin(runtime, { input: { region: 'eu' } });
    expect(asked).toEqual([{ region: 'eu' }]);
    expect(runtime.runs.counts.queued).toBe(0);
    expect(linesOf(runtime, 'b')).toEqual(['sub-task.skipped: when is false']);
    expect(await finish(runtime)).toMatchObject({ data: { status: 'succeeded' } });
  });

  test('is the error of its run where nothing is eligible', async () => {
    for (const policy of ['first-success', 'first-settled', 'all'] as const) {
      const runtime = createRuntime([
        { ...a, when: () => false },
        { ...a, name: 'b', start: 'after-failure', when: () => Promise.resolve(false) },
      ]);
      await expect(runtime.run({ reply: { policy } })).rejects.toMatchObject({
        code: 'run-failed',
        details: {
          failures: [
            { subTask: 'a', code: 'skipped', message: 'when is false' },
            { subTask: 'b', code: 'skipped', message: 'when is false' },
          ],
        },
      });
      expect(await finish(runtime)).toMatchObject({ data: { status: 'failed' } });
    }
  });

  test('lets the next one begin with its run where none is left that starts at once', async () => {
    const runtime = createRuntime([
      { ...a, when: () => false },
      { ...a, name: 'b', start: { after: '1s' } },
      { ...a, name: 'c', start: 'after-failure' },
    ]);
    const answer = runtime.run();
    await jest.advanceTimersByTimeAsync(0);
    expect(runtime.events.slice(0, 3).map((event) => event.type)).toEqual([
      'run.started',
      'sub-task.skipped',
      'sub-task.started',
    ]);
    await finish(runtime);
    expect(await answer).toMatchObject({ answeredBy: 'b' });
    expect(linesOf(runtime, 'b')).toEqual(['sub-task.started: need', 'sub-task.succeeded']);
    expect(linesOf(runtime, 'c')).toEqual(['sub-task.skipped: not needed after the reply']);
  });

  test('starts no other where the reply was to be its own', async () => {
    const runtime = createRuntime([
      { ...a, when: () => false },
      { ...a, name: 'b', start: { after: '1s' } },
    ]);
    await expect(runtime.run({ reply: { policy: 'primary', primary: 'a' } })).rejects.toMatchObject({
      code: 'run-failed',
    });
    await finish(runtime);
    expect(linesOf(runtime, 'b')).toEqual(['sub-task.skipped: not needed after the reply']);
  });

  const throws = () => {
    throw new Error('no region');
  };
  test.each<[string, () => boolean | Promise<boolean>, number, string]>([
    ['throws', throws, 0, 'no region'],
    ['rejects', () => Promise.reject(new Error('no region')), 0, 'no region'],
    ['does not answer', () => new Promise(() => undefined), 1_000, 'it took longer than 1 s'],
  ])('fails where that %s, so that the next one starts', async (_what, when, ms, message) => {
    const runtime = createRuntime([
      { ...a, when },
      { ...a, name: 'b', start: 'after-failure' },
    ]);
    const answer = runtime.run();
    await jest.advanceTimersByTimeAsync(ms);
    expect(linesOf(runtime, 'a')).toEqual([`sub-task.failed: when-failed: when failed: ${message}`]);
    expect(linesOf(runtime, 'b')).toEqual(['sub-task.started: failure']);
    expect(await finish(runtime)).toMatchObject({ data: { status: 'partly-failed' } });
    expect(await answer).toMatchObject({ answeredBy: 'b' });
    expect(jest.getTimerCount()).toBe(0);
  });

  test('is asked again when it is retried because that failed', async () => {
    let when: () => boolean = throws;
    const runtime = createRuntime([a, { ...a, name: 'b', when: () => when() }]);
    await begin(runtime);
    const { runId } = runtime.events[0]!;
    const retry = async () => {
      void runtime.control.retry(runId, 'b');
      await jest.advanceTimersByTimeAsync(0);
      return linesOf(runtime, 'b').slice(-2);
    };
    const failed = 'sub-task.failed: when-failed: when failed: no region';
    const retrying = 'sub-task.retrying: when-failed: when failed: no region';
    expect(await retry()).toEqual([retrying, failed]);
    await finish(runtime);
    when = () => true;
    expect(await retry()).toEqual([retrying, 'sub-task.started']);
    expect(await finish(runtime)).toMatchObject({ data: { status: 'succeeded' } });
  });

  test('is skipped when it is retried and not eligible now', async () => {
    let when: () => boolean = throws;
    const runtime = createRuntime([a, { ...a, name: 'b', when: () => when() }]);
    await begin(runtime);
    await finish(runtime);
    when = () => false;
    void runtime.control.retry(runtime.events[0]!.runId, 'b');
    await jest.advanceTimersByTimeAsync(0);
    expect(linesOf(runtime, 'b').at(-1)).toBe('sub-task.skipped: when is false');
    expect(runtime.events.at(-1)).toMatchObject({ type: 'run.finished', data: { status: 'succeeded' } });
  });

  test('is asked again where another process began the run, unless it has begun', async () => {
    const asked: string[] = [];
    const when = (name: string) => (input: unknown) => {
      asked.push(`${name} of ${JSON.stringify(input)}`);
      return false;
    };
    const runtime = createRuntime(
      ['a', 'b', 'c', 'd'].map((name) => ({ name, run: () => after(10), when: when(name) })),
    );
    const past = new PastRun('task', ['a', 'b', 'c', 'd'], { input: 1 });
    await runtime.resume(past.started('a', 'c').failed('c').skipped('d', 'when is false'));
    expect(asked).toEqual(['b of 1']);
    expect(await finish(runtime)).toMatchObject({ data: { status: 'partly-failed' } });
    expect(linesOf(runtime, 'a')).toEqual(['sub-task.started', 'sub-task.succeeded']);
    expect(linesOf(runtime, 'b')).toEqual(['sub-task.skipped: when is false']);
  });

  test('takes nobody’s place in a learned order', async () => {
    const order = ['c', 'b', 'a'];
    const runtime = createRuntime(
      [
        { ...a, when: () => false },
        { ...a, name: 'b', start: { after: '1s' } },
        { ...a, name: 'c', start: 'after-failure', when: () => false },
      ],
      {},
      { order: 'learned', learntOrder: () => ({ order, leastKnown: order, allKnown: true }) },
    );
    await begin(runtime);
    expect(runtime.events[0]).toMatchObject({ data: { subTasks: ['b', 'c', 'a'] } });
    expect(linesOf(runtime, 'b')).toEqual(['sub-task.started']);
    await finish(runtime);
  });

  test('keeps all others waiting for nothing under `all`, also behind a restart', async () => {
    const runtime = createRuntime(
      ['a', 'b'].map((name) => ({ name, run: () => after(10), when: () => false })),
    );
    const past = new PastRun('task', ['a', 'b'], { reply: { policy: 'all' } });
    await runtime.resume(past.skipped('b', 'when is false').started('a'));
    await finish(runtime);
    expect(runtime.events.filter(({ type }) => type === 'run.replied')).toMatchObject([
      { data: { reply: { answeredBy: ['a'], result: { a: 10 } } } },
    ]);
  });
});
