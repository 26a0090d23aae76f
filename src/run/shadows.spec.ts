import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { PastRun } from '../../test/support/past-run.js';
import { PushedStream } from '../../test/support/pushed-stream.js';
import { losersPolicy, policyFor, racing, runOf, toldOf } from '../../test/support/race-cases.js';
import { finish, linesOf } from '../../test/support/run-lines.js';
import { createRuntime } from '../../test/support/runtime.js';
import type { RunRequest } from '../tasks/tasks.schemas.js';

type Runtime = ReturnType<typeof createRuntime>;

const after = (ms: number, what: unknown = ms) =>
  new Promise((resolve, reject) => {
    setTimeout(() => {
      if (what instanceof Error) reject(what);
      else resolve(what);
    }, ms);
  });

describe('a shadow', () => {
  beforeEach(() => {
    useFakeClock(1_800_000_000_000);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** In odd milliseconds, so that nothing else ends with it. */
  const shadow = fc.record({
    ms: fc.integer({ min: 0, max: 300 }).map((half) => 2 * half + 1),
    succeeds: fc.boolean(),
  });

  test('changes nothing of what callers are told and when, nor of what the others do', async () => {
    const cases = fc
      .tuple(racing, fc.array(shadow, { minLength: 1, maxLength: 3 }), losersPolicy)
      .chain(([list, shadows, losers]) =>
        fc.record({
          list: fc.constant(list),
          shadows: fc.constant(shadows),
          losers: fc.constant(losers),
          reply: policyFor(list.map(({ name }) => name)),
          at: fc.nat({ max: list.length }),
        }),
      );
    await fc.assert(
      fc.asyncProperty(cases, async ({ list, shadows, losers, reply, at }) => {
        fc.pre(reply.policy !== 'agreement' || reply.agreement <= list.length);
        const others = list.map((subTask) => ({ ...subTask, run: runOf(subTask) }));
        const names = shadows.map((_, index) => `shadow-${index}`);
        const beside = shadows.map((one, index) => {
          const name = names[index]!;
          return { name, shadow: true as const, run: runOf({ ...one, name }) };
        });
        const told = [];
        for (const subTasks of [others, [...others.slice(0, at), ...beside, ...others.slice(at)]]) {
          const runtime = createRuntime(subTasks, {}, { hedgeBudget: 10 });
          void runtime.run({ reply, losers }).catch(() => undefined);
          await finish(runtime);
          told.push(toldOf(runtime, names));
          if (subTasks === others) continue;
          const run = await runtime.journal.run(runtime.events[0]!.runId);
          for (const [index, { succeeds }] of shadows.entries())
            expect(run!.subTasks.find(({ name }) => name === names[index])).toMatchObject({
              status: succeeds ? 'succeeded' : 'failed',
              attempts: 1,
            });
          expect(runtime.runs.counts.active).toBe(0);
        }
        expect(told[1]).toEqual(told[0]);
        expect(jest.getTimerCount()).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  const next = { name: 'next', shadow: true as const };
  const old = { name: 'old', run: () => after(10) };
  const begin = async (runtime: Runtime, request: RunRequest = {}): Promise<void> => {
    void runtime.run(request).catch(() => undefined);
    await jest.advanceTimersByTimeAsync(0);
  };

  test('begins behind the others, and its run ends when it has ended', async () => {
    const runtime = createRuntime([{ ...next, run: () => after(50) }, old]);
    const answer = runtime.run();
    await jest.advanceTimersByTimeAsync(10);
    expect(await answer).toMatchObject({ answeredBy: 'old', status: 'running', background: ['next'] });
    const [started, ...starts] = runtime.events.slice(0, 3);
    expect(started).toMatchObject({ data: { subTasks: ['old', 'next'], shadows: ['next'] } });
    expect(starts).toMatchObject([{ subTask: 'old' }, { subTask: 'next' }]);
    await jest.advanceTimersByTimeAsync(39);
    expect(runtime.runs.counts.active).toBe(1);
    expect(await finish(runtime)).toMatchObject({ data: { status: 'succeeded' } });
  });

  test('fails without making its run partly failed, and keeps it so when it is retried', async () => {
    let works = false;
    const runtime = createRuntime([
      old,
      { ...next, run: () => (works ? after(1) : after(20, new Error('no'))) },
    ]);
    await begin(runtime);
    expect(await finish(runtime)).toMatchObject({ data: { status: 'succeeded' } });
    works = true;
    const { runId } = runtime.events[0]!;
    const retried = runtime.control.retry(runId, 'next');
    await jest.advanceTimersByTimeAsync(0);
    expect(await retried).toMatchObject({ isDone: true });
    expect(await finish(runtime)).toMatchObject({ data: { status: 'succeeded' } });
    const run = await runtime.journal.run(runId);
    expect(run).toMatchObject({ decision: { reply: { answeredBy: 'old' } }, reopened: true });
    expect(run!.subTasks[1]).toMatchObject({ status: 'succeeded', attempts: 2 });
  });

  test('whose retry ends changes nothing of an error that was replied', async () => {
    let works = false;
    const runtime = createRuntime([
      { name: 'old', run: () => after(10, new Error('no')) },
      { ...next, run: () => (works ? after(1) : after(20, new Error('no'))) },
    ]);
    await begin(runtime);
    expect(await finish(runtime)).toMatchObject({ data: { status: 'failed' } });
    works = true;
    void runtime.control.retry(runtime.events[0]!.runId, 'next');
    await jest.advanceTimersByTimeAsync(0);
    expect(await finish(runtime)).toMatchObject({ data: { status: 'failed' } });
    expect(runtime.events.filter(({ type }) => type === 'run.replied')).toHaveLength(1);
  });

  test.each<[string, RunRequest]>([
    ['the deadline of its run', { deadline: '30ms' }],
    ['a cancel', {}],
  ])('is ended by %s', async (what, request) => {
    const runtime = createRuntime([old, { ...next, run: () => after(1_000) }]);
    await begin(runtime, request);
    await jest.advanceTimersByTimeAsync(20);
    if (what === 'a cancel') void runtime.control.cancel(runtime.events[0]!.runId);
    await jest.advanceTimersByTimeAsync(10);
    expect(runtime.events.at(-1)).toMatchObject({ type: 'run.finished', data: { status: 'succeeded' } });
    expect(linesOf(runtime, 'next')).toEqual(['sub-task.started', expect.stringContaining('cancelled: ')]);
  });

  test('takes no slot that another could have to wait for, unless it is retried', async () => {
    const runtime = createRuntime(
      [
        { ...old, run: (input) => after(input as number) },
        { ...next, run: (input) => after(1, input === 10 ? new Error('no') : 1) },
      ],
      { MAX_CONCURRENT_SUB_TASKS: '2', MAX_QUEUED_RUNS: '1' },
    );
    await begin(runtime, { input: 10 });
    await finish(runtime);
    const { runId } = runtime.events[0]!;
    for (const ms of [100, 100]) await begin(runtime, { input: ms });
    await jest.advanceTimersByTimeAsync(1);
    const run = runtime.events.at(-1)!.runId;
    expect(runtime.runs.counts.queued).toBe(0);
    void runtime.control.retry(runId, 'next');
    await jest.advanceTimersByTimeAsync(0);
    expect(runtime.runs.counts.queued).toBe(1);
    await jest.advanceTimersByTimeAsync(200);
    expect((await runtime.journal.run(runId))!.subTasks[1]).toMatchObject({ status: 'failed', attempts: 2 });
    expect((await runtime.journal.run(run))!.subTasks[1]).toMatchObject({
      status: 'skipped',
      reason: 'no slot was free',
    });
  });

  test('refuses no run by a concurrency of its own', async () => {
    const runtime = createRuntime(
      [
        { ...old, run: () => after(100) },
        { ...next, concurrency: 1, run: () => after(100) },
      ],
      { MAX_CONCURRENT_SUB_TASKS: '4', MAX_QUEUED_RUNS: '1' },
    );
    for (let n = 0; n < 3; n += 1) await begin(runtime);
    expect(linesOf(runtime, 'next')).toEqual([
      'sub-task.started',
      'sub-task.skipped: no slot was free',
      'sub-task.skipped: no slot was free',
    ]);
    expect(linesOf(runtime, 'old')).toHaveLength(3);
  });

  const throws = (): never => {
    throw new Error('no region');
  };
  test.each([
    ['where its `when` is false', () => false, 'sub-task.skipped: when is false'],
    ['where its `when` throws', throws, 'sub-task.failed: when-failed: when failed: no region'],
  ])('never begins %s, also where another process began the run', async (_where, when, line) => {
    const past = new PastRun('task', ['old', 'next'], { shadows: ['next'] }).started('old');
    for (const start of [begin, (runtime: Runtime) => runtime.resume(past)]) {
      const runtime = createRuntime([old, { ...next, when, run: () => after(1) }]);
      await start(runtime);
      expect(await finish(runtime)).toMatchObject({ data: { status: 'succeeded' } });
      expect(linesOf(runtime, 'next')).toEqual([line]);
    }
  });

  test('has no place in a learned order', async () => {
    const order = ['spare', 'old'];
    const runtime = createRuntime(
      [old, { ...old, name: 'spare', start: 'after-failure' }, { ...next, run: () => after(1) }],
      {},
      { order: 'learned', learntOrder: () => ({ order, leastKnown: order, allKnown: true }) },
    );
    await begin(runtime);
    expect(runtime.events[0]).toMatchObject({ data: { subTasks: ['spare', 'old', 'next'] } });
    expect(linesOf(runtime, 'spare')).toEqual(['sub-task.started']);
    expect(await finish(runtime)).toMatchObject({ data: { status: 'succeeded' } });
  });

  test('is shown to no caller when it streams, although it is the first', async () => {
    const streams = { old: new PushedStream(), next: new PushedStream() };
    const runtime = createRuntime([
      { name: 'old', stream: true, run: () => streams.old },
      { ...next, stream: true, run: () => streams.next },
    ]);
    await begin(runtime, { losers: 'cancel' });
    streams.next.push('new');
    await runtime.settle();
    streams.old.push('old').end();
    await runtime.settle();
    streams.next.end();
    await runtime.settle();
    const record = (await runtime.journal.run(runtime.events[0]!.runId))!;
    expect(record).toMatchObject({
      status: 'succeeded',
      lead: { subTask: 'old' },
      decision: { reply: { answeredBy: 'old' } },
      subTasks: [{ result: 'old' }, { result: 'new', stream: { chunks: 1 } }],
    });
    expect(linesOf(runtime, 'next')).not.toContain('sub-task.streamed');
  });

  describe('of a run that another process began', () => {
    const runtimeOf = (sample = '100%') =>
      createRuntime([old, { ...next, shadow: { sample }, run: () => after(20) }]);
    const past = () => new PastRun('task', ['old', 'next'], { shadows: ['next'], losers: 'cancel' });

    test('begins anew, and keeps out of the reply', async () => {
      const runtime = runtimeOf();
      await runtime.resume(past().started('old', 'next').failed('next'));
      expect(await finish(runtime)).toMatchObject({ data: { status: 'succeeded' } });
      expect(runtime.events.filter(({ type }) => type === 'run.replied')).toMatchObject([
        { data: { reply: { answeredBy: 'old' } } },
      ]);
    });

    test('goes on behind a reply, whatever the losers policy and the sample are now', async () => {
      const runtime = runtimeOf('0%');
      await runtime.resume(past().started('old', 'next').succeeded('old').replied('old'));
      expect(await finish(runtime)).toMatchObject({ data: { status: 'succeeded' } });
      expect(linesOf(runtime, 'next')).toEqual(['sub-task.started', 'sub-task.succeeded']);
    });

    test('starts nothing by its failure before', async () => {
      const runtime = createRuntime([
        { ...old, run: () => after(10, new Error('no')) },
        { name: 'spare', start: 'after-failure', run: () => after(100) },
        { ...next, run: () => after(1) },
      ]);
      const run = new PastRun('task', ['old', 'spare', 'next'], { shadows: ['next'] });
      await runtime.resume(run.started('old', 'next').failed('next'));
      await jest.advanceTimersByTimeAsync(9);
      expect(linesOf(runtime, 'spare')).toEqual([]);
      await finish(runtime);
      expect(linesOf(runtime, 'spare')).toEqual(['sub-task.started: failure', 'sub-task.succeeded']);
    });
  });

  describe('with a sample', () => {
    const runtimeOf = (sample: string) =>
      createRuntime([old, { ...next, shadow: { sample }, run: () => after(1) }]);
    const skipped = 'sub-task.skipped: not sampled';

    test('starts in about as many runs, and is skipped in the others', async () => {
      const runtime = runtimeOf('20%');
      for (let n = 0; n < 1_000; n += 1) void runtime.run();
      await jest.advanceTimersByTimeAsync(100);
      const lines = linesOf(runtime, 'next');
      const count = lines.filter((line) => line === skipped).length;
      // Further off than that by chance once in 10^9: four standard deviations are 51.
      expect(Math.abs(count - 800)).toBeLessThan(80);
      expect(lines.filter((line) => line === 'sub-task.started')).toHaveLength(1_000 - count);
      expect(runtime.events.filter(({ type }) => type === 'run.finished')).toHaveLength(1_000);
    });

    test('starts in each run, or in none', async () => {
      for (const [sample, line] of [
        ['100%', 'sub-task.started'],
        ['0%', skipped],
      ] as const) {
        const runtime = runtimeOf(sample);
        for (let n = 0; n < 50; n += 1) void runtime.run();
        await jest.advanceTimersByTimeAsync(100);
        expect(new Set(linesOf(runtime, 'next').filter((one) => !one.endsWith('succeeded')))).toEqual(
          new Set([line]),
        );
      }
    });

    test('is drawn the same by whoever goes on with the run', async () => {
      const runs = Array.from(
        { length: 50 },
        () => new PastRun('task', ['old', 'next'], { shadows: ['next'] }),
      );
      const drawn = [];
      for (let node = 0; node < 2; node += 1) {
        const runtime = runtimeOf('50%');
        for (const run of runs) await runtime.resume(run);
        await jest.advanceTimersByTimeAsync(100);
        drawn.push(
          runtime.events
            .filter((event) => event.type === 'sub-task.skipped')
            .map(({ runId }) => runId)
            .sort(),
        );
      }
      expect(drawn[0]!.length).toBeGreaterThan(5);
      expect(drawn[1]).toEqual(drawn[0]);
    });
  });
});
