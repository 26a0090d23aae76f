import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { recordedSubTask, recordOf } from '../../test/support/recorded-run.js';
import { createRuntime } from '../../test/support/runtime.js';
import type { RunEvent } from '../core/events.js';
import type { LosersPolicy, ReplyPolicy } from '../core/policies.js';
import type { StartRule } from '../core/start-rule.js';
import { SubTaskError } from '../core/sub-task-error.js';
import type { SubTaskContext } from '../core/sub-task.js';
import { HedgeBudget } from '../run/hedge-budget.js';
import { Ends, type Guess } from './ends.js';
import type { RecordedRun, RecordedSubTask } from './recorded-run.js';
import { replay, type Replayed } from './replayed-run.js';
import { placed } from './rules.js';
import { RunReader } from './run-reader.js';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
/** What `p50` and `p95` are. */
const quantileMs = (quantile: number) => (quantile === 0.5 ? 30 : 210);

interface SubTask {
  /** How long each attempt takes; all but the last one fail. */
  readonly attempts: readonly number[];
  readonly succeeds: boolean;
  /** Whether its failure lets no other start. */
  readonly final: boolean;
}

const subTask: fc.Arbitrary<SubTask> = fc.record({
  attempts: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 2 }),
  succeeds: fc.boolean(),
  final: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
});
const subTasks = fc.array(subTask, { minLength: 1, maxLength: NAMES.length });

const rulesFor = (count: number): fc.Arbitrary<StartRule[]> =>
  fc
    .tuple(
      fc.integer({ min: 1, max: 2 }),
      fc.array(
        fc.oneof(
          fc.integer({ min: 0, max: 500 }).map((ms): StartRule => ({ after: `${ms}ms` })),
          fc.constantFrom<StartRule>({ after: 'p50' }, { after: 'p95' }),
        ),
        { maxLength: 3 },
      ),
      fc.constantFrom<StartRule>('after-failed-attempt', 'after-failure'),
    )
    .map(([atOnce, timed, last]) =>
      [...Array.from({ length: atOnce }, (): StartRule => 'at-once'), ...timed]
        .concat(Array.from({ length: count }, () => last))
        .slice(0, count),
    );

const policyFor = (count: number): fc.Arbitrary<ReplyPolicy> =>
  fc.oneof(
    fc.constantFrom<ReplyPolicy>(
      { policy: 'first-success' },
      { policy: 'first-settled' },
      { policy: 'all' },
      { policy: 'deadline', deadline: '150ms' },
    ),
    fc.constantFrom(...NAMES.slice(0, count)).map((primary): ReplyPolicy => ({ policy: 'primary', primary })),
    fc.integer({ min: 1, max: count }).map((quorum): ReplyPolicy => ({ policy: 'quorum', quorum })),
    ...(count < 2
      ? []
      : [
          fc
            .integer({ min: 2, max: count })
            .map((agreement): ReplyPolicy => ({ policy: 'agreement', agreement, pointer: '/says' })),
        ]),
  );

const runs = subTasks.chain((list) =>
  fc.record({
    list: fc.constant(list),
    reply: policyFor(list.length),
    rules: rulesFor(list.length),
    mayHedge: fc.boolean(),
  }),
);

interface Live {
  readonly list: readonly SubTask[];
  readonly reply: ReplyPolicy;
  readonly rules: readonly StartRule[];
  readonly mayHedge: boolean;
  readonly losers?: LosersPolicy;
}

/** Executes a run in no time. @returns its events, and what reads them */
async function live({ list, reply, rules, mayHedge, losers = 'continue' }: Live) {
  const runtime = createRuntime(
    list.map(({ attempts, succeeds, final }, index) => ({
      name: NAMES[index]!,
      start: rules[index]!,
      retry: { attempts: attempts.length, delay: 100 },
      run: (_input: unknown, { attempt }: SubTaskContext) =>
        new Promise((resolve, reject) => {
          const isLast = attempt === attempts.length;
          const end = (): void => {
            if (succeeds && isLast) resolve({ says: index % 2, ms: attempts[0] });
            else reject(new SubTaskError('no', { final: final && isLast }));
          };
          setTimeout(end, attempts[attempt - 1]);
        }),
    })),
    {},
    { hedgeBudget: mayHedge ? 10 : 0, replyTime: (_task, quantile) => quantileMs(quantile), losers },
  );
  const answer = runtime.run({ reply });
  answer.catch(() => undefined);
  await Promise.race([answer, jest.advanceTimersByTimeAsync(0)]);
  while (runtime.events.at(-1)?.type !== 'run.finished') await jest.advanceTimersToNextTimerAsync();
  const { events, task } = runtime;
  // At one instant, the order of timers decides what happens first.
  const ends = events.filter(({ type }) => /retrying|succeeded|sub-task.failed/.test(type));
  const dues = placed(rules, quantileMs).map(({ delayMs }) => delayMs);
  const times = [...ends.map(({ time }) => Date.parse(time) - Date.parse(events[0]!.time)), 150];
  fc.pre(new Set(times).size === times.length && !dues.some((ms) => ms > 0 && times.includes(ms)));
  return { events, task: { ...task, reply }, recorded: recordedRun({ ...task, reply }, events) };
}

function recordedRun(task: ConstructorParameters<typeof RunReader>[0], events: readonly RunEvent[]) {
  const reader = new RunReader(task);
  const [run] = events.flatMap((event) => reader.read(event) ?? []);
  return run!;
}

function replayed(
  { reply, rules, mayHedge }: Live,
  task: ConstructorParameters<typeof Ends>[0],
  run: RecordedRun,
  how: Guess = 'drawn',
): Replayed {
  return replay(run, {
    reply,
    rules: placed(rules, quantileMs),
    budget: new HedgeBudget(mayHedge ? 10 : 0),
    endOf: new Ends(task, [run]).guessed(how),
  });
}

/** What was recorded, as a replay says it. */
function actual({ recorded, events }: Awaited<ReturnType<typeof live>>): Replayed {
  const { waitMs, failed, extraStarts } = recorded;
  const heldBack = events.filter(({ type }) => type === 'sub-task.held-back').length;
  return { waitMs, failed, extraStarts, heldBack, known: true };
}

describe('a run that is replayed', () => {
  beforeEach(() => {
    useFakeClock(1_800_000_000_000);
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  test.each<LosersPolicy>(['continue', 'cancel'])(
    'comes to what is on record under the rules that were in force, losers: %s',
    async (losers) => {
      await fc.assert(
        fc.asyncProperty(runs, async (terms) => {
          const run = await live({ ...terms, losers });
          expect(replayed(terms, run.task, run.recorded)).toEqual(actual(run));
        }),
        { numRuns: 200 },
      );
    },
  );

  test('comes to what a live run comes to under other rules, where all times are on record', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async (terms) => {
        const atOnce = terms.list.map((): StartRule => 'at-once');
        const record = await live({ ...terms, rules: atOnce });
        const other = await live(terms);
        expect(replayed(terms, record.task, record.recorded)).toEqual(actual(other));
      }),
      { numRuns: 200 },
    );
  });

  test('lies between its bounds where times are not on record', async () => {
    await fc.assert(
      fc.asyncProperty(runs, rulesFor(NAMES.length), async (terms, others) => {
        const first = { ...terms, reply: { policy: 'first-success' } as const };
        const { task, recorded } = await live({ ...first, losers: 'cancel' });
        const under = { ...first, rules: others.slice(0, terms.list.length) };
        const [soonest, drawn, latest] = (['soonest', 'drawn', 'latest'] as const).map((how) =>
          replayed(under, task, recorded, how),
        );
        if (drawn!.known) expect([soonest, latest]).toEqual([drawn, drawn]);
        if (!soonest!.failed && !drawn!.failed) expect(soonest!.waitMs).toBeLessThanOrEqual(drawn!.waitMs);
        if (!latest!.failed && !drawn!.failed) expect(latest!.waitMs).toBeGreaterThanOrEqual(drawn!.waitMs);
      }),
      { numRuns: 200 },
    );
  });
});

describe('what is on record of a run', () => {
  /** What becomes of it where all start at once, and those that it says no end of take so long. */
  const atOnce = (
    subTasks: readonly RecordedSubTask[],
    { otherwiseMs = 10, ...more }: Partial<RecordedRun> & { readonly otherwiseMs?: number } = {},
  ) =>
    replay(recordOf(subTasks, more), {
      reply: { policy: 'first-success' },
      rules: subTasks.map(() => ({ rule: 'at-once', delayMs: 0 })),
      budget: new HedgeBudget(10),
      endOf: (_run, { end }) => end ?? { ms: otherwiseMs },
    });

  test('ends at the deadline of the run', () => {
    const slow = recordedSubTask('a', { end: { ms: 500 } });
    expect(atOnce([slow], { deadlineMs: 300 })).toMatchObject({ failed: true, waitMs: 300 });
    expect(atOnce([slow], { deadlineMs: 600 })).toMatchObject({ failed: false, waitMs: 500 });
  });

  test('waits for slots and for the commit of the reply as long as the run did', () => {
    const a = recordedSubTask('a', { lagMs: 7, end: { ms: 20 } });
    expect(atOnce([a], { overheadMs: 2 })).toMatchObject({ waitMs: 29 });
  });

  test('lets nothing begin that could not', () => {
    const a = recordedSubTask('a', { end: { ms: 500 } });
    const barred = recordedSubTask('b', { barred: 'when is false' });
    expect(atOnce([a, barred])).toMatchObject({ waitMs: 500, extraStarts: 0 });
    expect(atOnce([a, recordedSubTask('b')])).toMatchObject({ waitMs: 10, extraStarts: 1 });
  });

  test.each([
    [20.9, true],
    [21.1, false],
  ])('of one that was cut off after 20 ms is enough for a reply after %d ms: %s', (ms, known) => {
    const cut = recordedSubTask('b', { cutMs: 20 });
    const a = recordedSubTask('a', { end: { ms } });
    expect(atOnce([a, cut], { otherwiseMs: 400 })).toMatchObject({ waitMs: ms, known });
  });
});
