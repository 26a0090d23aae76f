import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { createRuntime } from '../../test/support/runtime.js';
import type { ReplyPolicy } from '../core/policies.js';
import type { StartTrigger } from '../core/run.js';
import type { StartRule } from '../core/start-rule.js';
import { SubTaskError } from '../core/sub-task-error.js';
import type { SubTaskContext } from '../core/sub-task.js';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const RETRY_MS = 50;
/** What `p50` and `p95` are; too few replies are known for `p99`. */
const QUANTILES: Readonly<Record<number, number>> = { 0.5: 30, 0.95: 210 };
const COLD_START_MS = 333;

interface SubTask {
  readonly rule: StartRule;
  /** How long each attempt takes; all but the last one fail. */
  readonly attempts: readonly number[];
  readonly succeeds: boolean;
  /** Whether its failure lets no other start. */
  readonly final: boolean;
}

const subTaskOf = (rule: fc.Arbitrary<StartRule>): fc.Arbitrary<SubTask> =>
  fc.record({
    rule,
    attempts: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 2 }),
    succeeds: fc.boolean(),
    final: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
  });

const fixed = fc.integer({ min: 0, max: 500 }).map((ms): StartRule => ({ after: `${ms}ms` }));
const quantile = fc
  .constantFrom('p50' as const, 'p95' as const, 'p99' as const)
  .map((after): StartRule => ({ after, coldStart: `${COLD_START_MS}ms` }));
const dueMs = (rule: StartRule): number => {
  if (typeof rule !== 'object') return Infinity;
  if (!rule.after.startsWith('p')) return Number.parseInt(rule.after);
  return QUANTILES[Number(rule.after.slice(1)) / 100] ?? COLD_START_MS;
};

/** Up to seven sub-tasks; one that is due before the one in front of it waits for that. */
const subTasks = fc
  .tuple(
    fc.array(subTaskOf(fc.constant('at-once')), { minLength: 1, maxLength: 2 }),
    fc.array(subTaskOf(fc.oneof(fixed, quantile)), { maxLength: 2 }),
    fc.array(subTaskOf(fc.constant('after-failed-attempt')), { maxLength: 2 }),
    fc.array(subTaskOf(fc.constant('after-failure')), { maxLength: 1 }),
  )
  .map((lists) => lists.flat());

const policyFor = (count: number): fc.Arbitrary<ReplyPolicy> =>
  fc.oneof(
    fc.constantFrom<ReplyPolicy>({ policy: 'first-success' }, { policy: 'first-settled' }, { policy: 'all' }),
    fc.constantFrom(...NAMES.slice(0, count)).map((primary): ReplyPolicy => ({ policy: 'primary', primary })),
    fc.integer({ min: 1, max: count }).map((quorum): ReplyPolicy => ({ policy: 'quorum', quorum })),
  );

const cases = subTasks.chain((list) => fc.tuple(fc.constant(list), policyFor(list.length)));

interface Started {
  readonly name: string;
  readonly at: number;
  readonly trigger: StartTrigger | undefined;
}

/** What a run comes to, by going from one instant to the next at which something ends or is due. */
function model(list: readonly SubTask[], policy: ReplyPolicy, mayHedge: boolean) {
  const started: Started[] = [];
  const ends = new Map<
    string,
    { readonly at: number; readonly succeeded: boolean; readonly final: boolean }
  >();
  /** When first attempts fail that others follow, and of whom. */
  const stumbles: { readonly name: string; readonly at: number }[] = [];
  /** What has failed, or has a failed attempt, and has started no other. */
  const stumbled = new Map<string, StartTrigger>();
  const answered = new Set<string>();
  const note = (name: string, what: StartTrigger): void => {
    if (!answered.has(name)) stumbled.set(name, what);
  };
  const settled = new Map<string, boolean>();
  const held = list.map((subTask, index) => ({ ...subTask, name: NAMES[index]! }));
  const start = (at: number, trigger?: StartTrigger): void => {
    const next = held.shift();
    if (!next) return;
    started.push({ name: next.name, at, trigger });
    const took = next.attempts.reduce((sum, ms) => sum + ms) + (next.attempts.length - 1) * RETRY_MS;
    ends.set(next.name, { at: at + took, succeeded: next.succeeds, final: next.final });
    if (next.attempts.length > 1) stumbles.push({ name: next.name, at: at + next.attempts[0]! });
  };
  const answer = (now: number): void => {
    while (held[0]) {
      const { rule } = held[0];
      const all = [...stumbled];
      const by =
        all.find(([, kind]) => kind === 'failure') ?? (rule === 'after-failed-attempt' ? all[0] : undefined);
      if (!by) return;
      const [name, what] = by;
      stumbled.delete(name);
      answered.add(name);
      start(now, what);
    }
  };
  const wanted = (name: string): boolean => policy.policy !== 'primary' || policy.primary === name;
  const successes = (): number =>
    [...settled].filter(([name, succeeded]) => succeeded && wanted(name)).length;
  const needed = policy.policy === 'quorum' ? policy.quorum : policy.policy === 'all' ? list.length : 1;
  const decided = (): boolean => {
    const possible =
      successes() + NAMES.slice(0, list.length).filter((name) => wanted(name) && !settled.has(name)).length;
    return (
      successes() >= needed || possible < needed || (policy.policy === 'first-settled' && settled.size > 0)
    );
  };
  /** Those that are skipped ahead of the reply. */
  const early: string[] = [];
  while (held[0]?.rule === 'at-once') start(0);
  for (let now = 0; ;) {
    const goingOn = [...ends.keys()].filter((name) => !settled.has(name) && wanted(name)).length;
    if (held.length > 0 && successes() + goingOn < needed) {
      start(now, 'need');
      continue;
    }
    const [next] = [...ends]
      .filter(([name]) => !settled.has(name))
      .sort(([, one], [, other]) => one.at - other.at);
    const due = Math.max(now, mayHedge && held[0] ? dueMs(held[0].rule) : Infinity);
    const [stumble] = stumbles.sort((one, other) => one.at - other.at);
    const times = [...[...ends.values()].map(({ at }) => at), ...stumbles.map(({ at }) => at), due];
    const first = Math.min(due, next?.[1].at ?? Infinity, stumble?.at ?? Infinity);
    fc.pre(first === Infinity || times.filter((at) => at === first).length === 1);
    if (due === first) {
      start((now = due), 'delay');
      answer(now);
      continue;
    }
    if (stumble?.at === first) {
      now = first;
      note(stumbles.shift()!.name, 'failed-attempt');
      answer(now);
      continue;
    }
    const [name, { at, succeeded, final }] = next!;
    now = at;
    settled.set(name, succeeded);
    if (!succeeded) note(name, 'failure');
    if (decided()) return { started, repliedAt: now, skipped: held.map((one) => one.name), early };
    if (!succeeded && final) {
      early.push(...held.splice(0).map((one) => one.name));
      for (const skipped of early) settled.set(skipped, false);
      if (decided()) return { started, repliedAt: now, skipped: [], early };
    }
    answer(now);
  }
}

describe('a run whose sub-tasks don’t all start at once', () => {
  beforeEach(() => {
    useFakeClock(1_800_000_000_000);
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  const runtimeOf = (list: readonly SubTask[], hedgeBudget: number) =>
    createRuntime(
      list.map(({ rule, attempts, succeeds, final }, index) => ({
        name: NAMES[index]!,
        start: rule,
        retry: { attempts: attempts.length, delay: 2 * RETRY_MS },
        run: (_input: unknown, { attempt }: SubTaskContext) =>
          new Promise((resolve, reject) => {
            const end = (): void => {
              if (succeeds && attempt === attempts.length) resolve(attempt);
              else reject(new SubTaskError('no', { final: final && attempt === attempts.length }));
            };
            setTimeout(end, attempts[attempt - 1]);
          }),
      })),
      {},
      { hedgeBudget, replyTime: (_task, q) => QUANTILES[q] },
    );

  test('starts each when its rule says so, in their order, none after the reply, and comes to its end', async () => {
    await fc.assert(
      fc.asyncProperty(cases, fc.boolean(), async ([list, policy], mayHedge) => {
        const expected = model(list, policy, mayHedge);
        const runtime = runtimeOf(list, mayHedge ? 10 : 0);
        const begun = Date.now();
        void runtime.run({ reply: policy }).catch(() => undefined);
        while (runtime.events.at(-1)?.type !== 'run.finished') await jest.advanceTimersToNextTimerAsync();

        const { events } = runtime;
        const firsts = events.flatMap((event): Started[] =>
          event.type === 'sub-task.started' && event.attempt === 1
            ? [{ name: event.subTask, at: Date.parse(event.time) - begun, trigger: event.data.trigger }]
            : [],
        );
        expect(firsts).toEqual(expected.started);
        const replied = events.find((event) => event.type === 'run.replied')!;
        expect(replied.data.durationMs).toBe(expected.repliedAt);
        expect(events.filter(({ id, type }) => type === 'sub-task.skipped' && id > replied.id)).toHaveLength(
          expected.skipped.length,
        );
        const run = await runtime.journal.run(replied.runId);
        expect(run?.outcomes.map(({ subTask }) => subTask).sort()).toEqual(NAMES.slice(0, list.length));
        const skipped = run?.subTasks.filter(
          ({ status, attempts }) => status === 'skipped' && attempts === 0,
        );
        expect(skipped?.map(({ name }) => name)).toEqual([...expected.early, ...expected.skipped]);
        expect(replied.data.background.filter((name) => expected.skipped.includes(name))).toEqual([]);
        expect(jest.getTimerCount()).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});
