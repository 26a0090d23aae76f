import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { createRuntime } from '../../test/support/runtime.js';
import { milliseconds } from '../core/duration.js';
import type { ReplyPolicy } from '../core/policies.js';
import type { SubTaskContext } from '../core/sub-task.js';
import { deadlineOf } from '../run/reply.js';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const TIMEOUT_MS = 1_000;
const FIRST_DELAY_MS = 100;
const TERMINAL = ['sub-task.succeeded', 'sub-task.failed', 'sub-task.cancelled', 'sub-task.skipped'];

/** What one attempt does, `ms` after it began. */
interface Attempt {
  readonly ms: number;
  readonly does: 'succeed' | 'reject' | 'throw' | 'hang';
}

const attempt: fc.Arbitrary<Attempt> = fc.record({
  ms: fc.integer({ min: 1, max: 1_500 }),
  does: fc.constantFrom('succeed', 'reject', 'throw', 'hang'),
});

/** 1 to 5 sub-tasks, each by its attempts in turn; it may have as many attempts as it has entries. */
const scripts = fc.array(fc.array(attempt, { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: NAMES.length,
});

const policyFor = (count: number): fc.Arbitrary<ReplyPolicy> =>
  fc.oneof(
    fc.constantFrom<ReplyPolicy>({ policy: 'first-success' }, { policy: 'first-settled' }, { policy: 'all' }),
    fc.constantFrom(...NAMES.slice(0, count)).map((primary): ReplyPolicy => ({ policy: 'primary', primary })),
    fc.integer({ min: 1, max: count }).map((quorum): ReplyPolicy => ({ policy: 'quorum', quorum })),
    fc
      .tuple(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: count }), fc.boolean())
      .map(([ms, min, isAll]): ReplyPolicy => ({
        policy: isAll ? 'all' : 'deadline',
        deadline: `${ms}ms`,
        min,
      })),
  );

const cases = scripts.chain((script) => fc.tuple(fc.constant(script), policyFor(script.length)));

/** When a sub-task ends and how, by adding up its attempts; Math.random() is held at 1/2. */
function settle(script: readonly Attempt[]): { at: number; succeeded: boolean; attempts: number } {
  let at = 0;
  for (const [index, { ms, does }] of script.entries()) {
    const inTime = does !== 'hang' && (does === 'throw' || ms <= TIMEOUT_MS);
    if (does === 'succeed' && inTime) return { at: at + ms, succeeded: true, attempts: index + 1 };
    at += does === 'throw' ? 0 : inTime ? ms : TIMEOUT_MS;
    if (index < script.length - 1) at += Math.floor((FIRST_DELAY_MS * 2 ** index) / 2);
  }
  return { at, succeeded: false, attempts: script.length };
}

/** The earliest instant at which the policy is decided, by looking at the end of every sub-task, or the deadline. */
function earliest(policy: ReplyPolicy, ends: readonly { at: number; succeeded: boolean }[]): number {
  const instants = ends.map(({ at }) => at).sort((a, b) => a - b);
  const decided = instants.find((now) => {
    const past = ends.filter(({ at }) => at <= now);
    const successes = past.filter(({ succeeded }) => succeeded).length;
    const possible = successes + ends.length - past.length;
    switch (policy.policy) {
      case 'first-success':
        return successes > 0 || possible === 0;
      case 'first-settled':
        return true;
      case 'primary':
        return ends[NAMES.indexOf(policy.primary)]!.at <= now;
      case 'quorum':
        return successes >= policy.quorum || possible < policy.quorum;
      case 'all':
        return possible < ends.length || successes === ends.length;
      case 'agreement':
        throw new Error('not among the cases');
      case 'deadline':
        return possible < (policy.min ?? 1) || past.length === ends.length;
    }
  });
  const deadline = deadlineOf(policy);
  return Math.min(decided!, deadline === undefined ? Infinity : milliseconds(deadline));
}

describe('a run, whatever its sub-tasks do', () => {
  beforeEach(() => {
    useFakeClock(0);
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  test('is answered at the earliest instant its policy allows, and every sub-task ends once, as its script says', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ([script, policy]) => {
        const runtime = createRuntime(
          script.map((attempts, index) => ({
            name: NAMES[index]!,
            timeout: TIMEOUT_MS,
            retry: { attempts: attempts.length, delay: FIRST_DELAY_MS, maxDelay: '10s' },
            run: (_input: unknown, { attempt, signal }: SubTaskContext) =>
              perform(attempts[attempt - 1]!, signal),
          })),
        );
        const ends = script.map(settle);
        const start = Date.now();
        let repliedAt: number | undefined;
        const note = () => void (repliedAt ??= Date.now() - start);
        const reply = runtime.run({ reply: policy }).then(note, note);
        while (runtime.events.at(-1)?.type !== 'run.finished') await jest.advanceTimersToNextTimerAsync();
        await reply;

        expect(repliedAt).toBe(earliest(policy, ends));
        const terminal = runtime.events.filter(({ type }) => TERMINAL.includes(type));
        expect(terminal.map((event) => 'subTask' in event && event.subTask).sort()).toEqual(
          NAMES.slice(0, script.length),
        );
        const run = await runtime.journal.run(runtime.events[0]!.runId);
        expect(run?.subTasks.map(({ status, attempts }) => ({ status, attempts }))).toEqual(
          ends.map(({ succeeded, attempts }) => ({ status: succeeded ? 'succeeded' : 'failed', attempts })),
        );
        expect(jest.getTimerCount()).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

/** Takes its time, and lets go of its timer when the attempt is given up. */
function perform({ ms, does }: Attempt, signal: AbortSignal): unknown {
  if (does === 'throw') throw new Error('thrown at once');
  return new Promise((resolve, reject) => {
    if (does === 'hang') return;
    const settle =
      does === 'succeed'
        ? () => {
            resolve('result');
          }
        : () => {
            reject(new Error('rejected'));
          };
    const pending = setTimeout(settle, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(pending);
    });
  });
}

describe('a run, in whatever order its sub-tasks settle and whenever it is cancelled', () => {
  test('journals one gap-free story: started, attempts, one end each, one reply, finished', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        fc.constantFrom<'continue' | 'cancel'>('continue', 'cancel'),
        async (scheduler, successes, cancelled, losers) => {
          const released: boolean[] = [];
          const runtime = createRuntime(
            successes.map((succeeds, index) => ({
              name: NAMES[index]!,
              run: async () => {
                await scheduler.schedule(Promise.resolve(), NAMES[index]);
                released.push(succeeds);
                if (!succeeds) throw new Error('failed');
              },
            })),
          );
          const reply = runtime.run({ losers }).then(
            () => 'answered',
            () => 'refused',
          );
          await Promise.resolve();
          if (cancelled) {
            void scheduler.schedule(Promise.resolve(), 'cancel').then(() => {
              runtime.runs.get(runtime.events[0]!.runId)?.cancel('changed my mind');
            });
          }
          await scheduler.waitIdle();
          const told = await reply;

          const { events } = runtime;
          expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
          expect(events[0]!.type).toBe('run.started');
          expect(events.at(-1)!.type).toBe('run.finished');
          expect(events.filter(({ type }) => type === 'run.replied')).toHaveLength(1);
          for (const name of NAMES.slice(0, successes.length)) {
            const own = events
              .filter((event) => 'subTask' in event && event.subTask === name)
              .map(({ type }) => type);
            expect(own.filter((type) => TERMINAL.includes(type))).toEqual([own.at(-1)]);
            expect(own.length === 2 ? own[0] : 'sub-task.skipped').toBe(
              own.length === 2 ? 'sub-task.started' : own[0],
            );
          }
          if (!cancelled) expect(told).toBe(successes.includes(true) ? 'answered' : 'refused');
        },
      ),
      { numRuns: 500 },
    );
  });
});
