import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { PastRun } from '../../test/support/past-run.js';
import { createRuntime, type RuntimeOptions } from '../../test/support/runtime.js';
import type { RunEvent } from '../core/events.js';
import type { StartRule } from '../core/start-rule.js';
import type { LearntOrder } from './reply-times.js';

const succeeds = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms, ms));
const fails = (ms: number) => new Promise((_resolve, reject) => setTimeout(reject, ms, new Error('failed')));

const RULES: readonly StartRule[] = ['at-once', { after: '100ms' }, 'after-failure'];

describe('a task with order: learned', () => {
  beforeEach(() => {
    useFakeClock(1_800_000_000_000);
  });
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  let learnt: LearntOrder;
  const known = (order: readonly string[], leastKnown = order): LearntOrder => ({
    ...{ order, leastKnown, allKnown: true },
  });

  /** One in which sub-tasks do as they are told, and start by these rules. */
  function runtime(
    does: Readonly<Record<string, () => unknown>>,
    {
      environment = {},
      rules = RULES,
      ...options
    }: RuntimeOptions & {
      readonly environment?: Readonly<Record<string, string>>;
      readonly rules?: readonly StartRule[];
    } = {},
  ) {
    const subTasks = Object.entries(does).map(([name, run], at) => ({ name, run, start: rules[at]! }));
    return createRuntime(subTasks, environment, {
      ...{ order: 'learned', hedgeBudget: 0, losers: 'cancel', learntOrder: () => learnt },
      ...options,
    });
  }
  const quick = { a: () => succeeds(10), b: () => succeeds(10), c: () => succeeds(10) };
  const starts = (events: readonly RunEvent[]) =>
    events.flatMap((event) =>
      event.type === 'sub-task.started' ? [[event.subTask, event.data.trigger]] : [],
    );
  const orders = (events: readonly RunEvent[]) =>
    events.flatMap((event) => (event.type === 'run.started' ? [event.data.subTasks.join('')] : []));
  const settled = async (
    ...[started, request]: [ReturnType<typeof runtime>, Parameters<ReturnType<typeof runtime>['run']>[0]?]
  ) => {
    const answer = started.run(request).catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(1_000);
    return answer;
  };

  test('starts in that order, with the rules at their places, and records it', async () => {
    learnt = known(['c', 'a', 'b']);
    const hung = runtime({ ...quick, c: () => succeeds(500), a: () => fails(20) }, { hedgeBudget: 1 });
    expect(await settled(hung)).toMatchObject({ answeredBy: 'b' });
    expect(orders(hung.events)).toEqual(['cab']);
    expect(starts(hung.events).filter(([, trigger]) => trigger !== 'exploration')).toEqual([
      ['c', undefined],
      ['a', 'delay'],
      ['b', 'failure'],
    ]);
  });

  test('puts those behind that never begin for the input, and shadows behind all, whatever the rules there are', async () => {
    learnt = known(['c', 'b', 'a']);
    const names = ['a', 'b', 'c', 'd'];
    const mixed = createRuntime(
      names.map((name, at) => ({
        name,
        ...(name === 'd' ? { shadow: true as const } : { start: RULES[at]! }),
        ...(name === 'c' && { when: (input: unknown) => input !== 'not c' }),
        run: () => succeeds(10),
      })),
      {},
      { order: 'learned', learntOrder: () => learnt },
    );
    expect(await settled(mixed, { input: 'not c' })).toMatchObject({ answeredBy: 'b' });
    expect(await settled(mixed)).toMatchObject({ answeredBy: 'c' });
    expect(orders(mixed.events)).toEqual(['bacd', 'cbad']);
    expect(starts(mixed.events).map(([name]) => name)).toEqual(['b', 'd', 'c', 'd']);
  });

  test('puts those behind whose upstream is left alone, and explores none of them', async () => {
    learnt = { ...known(['a', 'b', 'c'], ['a', 'b', 'c']), allKnown: false };
    const guarded = createRuntime(
      ['a', 'b', 'c'].map((name, at) => ({
        name,
        breaker: true as const,
        start: RULES[at]!,
        run: () => succeeds(10),
      })),
      {},
      { order: 'learned', learntOrder: () => learnt, hedgeBudget: 1 },
    );
    const isOpen = jest
      .spyOn(guarded.breakers, 'isOpen')
      .mockImplementation((_terms, _task, name) => name === 'a');
    await settled(guarded);
    isOpen.mockReturnValue(false);
    await settled(guarded);
    expect(orders(guarded.events)).toEqual(['bca', 'abc']);
    expect(starts(guarded.events)).toEqual([
      ['b', undefined],
      ['c', 'exploration'],
      ['a', undefined],
      ['b', 'exploration'],
    ]);
  });

  test('asks nobody where it makes no difference', async () => {
    const learntOrder = jest.fn(() => learnt);
    learnt = known(['c', 'b', 'a']);
    const declared = runtime(quick, { order: 'declared', learntOrder });
    const atOnce = runtime(quick, { rules: ['at-once', 'at-once', 'at-once'], learntOrder, hedgeBudget: 1 });
    const primary = runtime(quick, { learntOrder, hedgeBudget: 1 });
    await settled(declared);
    await settled(atOnce);
    await settled(primary, { reply: { policy: 'primary', primary: 'b' } });
    for (const { events } of [declared, atOnce, primary]) expect(orders(events)).toEqual(['abc']);
    expect(learntOrder).not.toHaveBeenCalled();
  });

  describe('explores', () => {
    /** How many of so many runs start one to learn from. */
    async function explored(count: number, options: RuntimeOptions): Promise<number> {
      const explorer = runtime(quick, options);
      for (let n = 0; n < count; n += 1) await settled(explorer);
      return starts(explorer.events).filter(([, trigger]) => trigger === 'exploration').length;
    }

    test.each([
      [0.1, 5],
      [0.04, 2],
      [1, 5],
      [Infinity, 5],
      [0, 0],
    ])(
      'within half of a hedge budget of %d, and in 5 % of the runs at most: %d of 100',
      async (hedgeBudget, count) => {
        learnt = known(['a', 'b', 'c']);
        expect(await explored(100, { hedgeBudget })).toBe(count);
      },
    );

    test.each([
      [0.1, 10],
      [1, 100],
      [0, 0],
    ])(
      'within all of a budget of %d while too little is known of some: %d of 100',
      async (hedgeBudget, count) => {
        learnt = { ...known(['a', 'b', 'c']), allKnown: false };
        expect(await explored(100, { hedgeBudget })).toBe(count);
      },
    );

    test('the one of which the least is known, beside those that start with the run', async () => {
      learnt = { order: ['a', 'b', 'c'], leastKnown: ['a', 'c', 'b'], allKnown: false };
      const explorer = runtime({ ...quick, c: () => succeeds(5) }, { hedgeBudget: 1 });
      expect(await settled(explorer)).toMatchObject({ answeredBy: 'c' });
      expect(starts(explorer.events)).toEqual([
        ['a', undefined],
        ['c', 'exploration'],
      ]);
    });

    test('at the cost of hedges, as both are of one budget', async () => {
      learnt = { ...known(['a', 'b', 'c']), allKnown: false };
      const slow = runtime(
        { ...quick, a: () => succeeds(300), b: () => succeeds(300) },
        { hedgeBudget: 0.5 },
      );
      for (let n = 0; n < 4; n += 1) await settled(slow);
      const triggers = starts(slow.events).map(([, trigger]) => trigger);
      expect(triggers.filter((trigger) => trigger === 'exploration' || trigger === 'delay')).toHaveLength(2);
    });

    test('so that its failure starts no other, and that of another one does', async () => {
      learnt = known(['a', 'b', 'c'], ['c']);
      const failing = runtime({ ...quick, a: () => succeeds(50), c: () => fails(5) }, { hedgeBudget: 20 });
      for (let n = 0; n < 20; n += 1) await settled(failing);
      expect(starts(failing.events).filter(([name]) => name !== 'a')).toEqual([['c', 'exploration']]);
      const worse = runtime({ ...quick, a: () => fails(5), c: () => fails(9) }, { hedgeBudget: 20 });
      for (let n = 0; n < 20; n += 1) await settled(worse);
      expect(starts(worse.events).slice(-3)).toEqual([
        ['a', undefined],
        ['c', 'exploration'],
        ['b', 'failure'],
      ]);
    });

    test('nothing with the last free slot', async () => {
      learnt = { ...known(['a', 'b', 'c']), allKnown: false };
      const narrow = runtime(quick, { hedgeBudget: 1, environment: { MAX_CONCURRENT_SUB_TASKS: '1' } });
      await settled(narrow);
      expect(starts(narrow.events)).toEqual([['a', undefined]]);
      const wide = runtime(quick, { hedgeBudget: 1, environment: { MAX_CONCURRENT_SUB_TASKS: '2' } });
      await settled(wide);
      expect(starts(wide.events)).toEqual([
        ['a', undefined],
        ['b', 'exploration'],
      ]);
    });
  });

  describe('resumes a run', () => {
    const resumed = async (past: PastRun, does: Readonly<Record<string, () => unknown>> = quick) => {
      learnt = known(['b', 'a', 'c'], ['b']);
      const next = runtime(does, { hedgeBudget: 1 });
      const run = await next.resume(past);
      const answer = run.reply(Infinity);
      await jest.advanceTimersByTimeAsync(1_000);
      return { events: next.events, decision: await answer };
    };

    test('in the order in which it is recorded, with the rules at their places', async () => {
      const past = new PastRun('task', ['c', 'a', 'b']).started('c');
      const { events } = await resumed(past, { ...quick, c: () => fails(10), a: () => fails(10) });
      expect(starts(events)).toEqual([
        ['c', undefined],
        ['a', 'failure'],
        ['b', 'failure'],
      ]);
    });

    test('that had begun nothing, by starting the first of its order, and explores nothing', async () => {
      const { events } = await resumed(new PastRun('task', ['c', 'a', 'b']));
      expect(starts(events)).toEqual([['c', undefined]]);
    });

    test('remembering which one it started to learn from', async () => {
      const past = new PastRun('task', ['a', 'b', 'c'])
        .started('a')
        .startedBy('exploration', 'c')
        .failed('c');
      const { events } = await resumed(past, { ...quick, a: () => succeeds(50) });
      expect(starts(events)).toEqual([['a', undefined]]);
      const failing = new PastRun('task', ['a', 'b', 'c'])
        .started('a')
        .startedBy('exploration', 'c')
        .failed('c');
      failing.failed('a');
      expect(starts((await resumed(failing)).events)).toEqual([['b', 'failure']]);
    });
  });
});
