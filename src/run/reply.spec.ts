import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Subject } from 'rxjs';
import type { JsonValue } from '../core/json.js';
import type { ReplyPolicy } from '../core/policies.js';
import { PAST_DEADLINE, WHEN_FALSE, type Outcome, type Reply } from '../core/run.js';
import { deadlineOf, decideBy } from './reply.js';
import { replyAtDeadline, replyOf } from './told-reply.js';

/** How each policy decides, said plainly: given the outcomes so far, is there a reply? */
function model(
  policy: ReplyPolicy,
  names: readonly string[],
  soFar: readonly Outcome[],
): 'answered' | 'refused' | 'open' {
  const successes = soFar.filter(({ status }) => status === 'succeeded').length;
  const leftOut = soFar.filter(isLeftOut).length;
  const pending = names.length - soFar.length;
  switch (policy.policy) {
    case 'first-success':
      return successes > 0 ? 'answered' : pending === 0 ? 'refused' : 'open';
    case 'first-settled': {
      const own = soFar.find(({ status }) => status === 'succeeded' || status === 'failed');
      if (own) return own.status === 'succeeded' ? 'answered' : 'refused';
      return pending === 0 ? 'refused' : 'open';
    }
    case 'primary': {
      const primary = soFar.find(({ subTask }) => subTask === policy.primary);
      return primary === undefined ? 'open' : primary.status === 'succeeded' ? 'answered' : 'refused';
    }
    case 'quorum':
      return successes >= policy.quorum
        ? 'answered'
        : successes + pending < policy.quorum
          ? 'refused'
          : 'open';
    case 'all':
      if (soFar.length > successes + leftOut) return 'refused';
      return pending > 0 ? 'open' : successes > 0 ? 'answered' : 'refused';
    case 'agreement': {
      const values = soFar.flatMap((one) => (one.status === 'succeeded' ? [valueOf(one.result)] : []));
      const largest = Math.max(0, ...values.map((value) => values.filter((other) => other === value).length));
      return largest >= policy.agreement
        ? 'answered'
        : largest + pending < policy.agreement
          ? 'refused'
          : 'open';
    }
    case 'deadline':
      return successes + pending < leastOf(policy) ? 'refused' : pending === 0 ? 'answered' : 'open';
  }
}

const isLeftOut = (outcome: Outcome): boolean => 'reason' in outcome && outcome.reason === WHEN_FALSE;

const valueOf = (result: JsonValue): unknown => (result as { value: unknown }).value;

const leastOf = (policy: ReplyPolicy): number => ('min' in policy ? policy.min : undefined) ?? 1;

const outcome = (subTask: string) =>
  fc.oneof(
    fc
      .constantFrom('x', 'y')
      .map((value): Outcome => ({ subTask, status: 'succeeded', result: { value, by: subTask } })),
    fc.constant<Outcome>({ subTask, status: 'failed', error: { code: 'threw', message: 'boom' } }),
    fc
      .constantFrom('cancelled' as const, 'skipped' as const)
      .map((status): Outcome => ({ subTask, status, reason: 'why' })),
    fc.constant<Outcome>({ subTask, status: 'skipped', reason: WHEN_FALSE }),
  );

/** One outcome for each of 1 to 6 sub-tasks, in any order. */
const outcomes = fc
  .integer({ min: 1, max: 6 })
  .chain((count) => fc.shuffledSubarray(['a', 'b', 'c', 'd', 'e', 'f'].slice(0, count), { minLength: count }))
  .chain((names) => fc.tuple(...names.map(outcome)));

function policyFor(names: readonly string[]): fc.Arbitrary<ReplyPolicy> {
  const min = fc.option(fc.integer({ min: 1, max: names.length }), { nil: undefined });
  const byDeadline = min.map((least) => ({
    deadline: '1s' as const,
    ...(least !== undefined && { min: least }),
  }));
  const all = fc.constant<ReplyPolicy>({ policy: 'all' });
  const quorum = fc
    .integer({ min: 1, max: names.length })
    .map((quorum): ReplyPolicy => ({ policy: 'quorum', quorum }));
  return fc.oneof(
    fc.constant<ReplyPolicy>({ policy: 'first-success' }),
    fc.constant<ReplyPolicy>({ policy: 'first-settled' }),
    fc.constantFrom(...names).map((primary): ReplyPolicy => ({ policy: 'primary', primary })),
    all,
    quorum,
    fc
      .tuple(fc.integer({ min: 1, max: names.length }), fc.boolean())
      .map(([agreement, isPointed]): ReplyPolicy => ({
        policy: 'agreement',
        agreement,
        ...(isPointed ? { pointer: '/value' } : { ignore: ['/by'] }),
      })),
    byDeadline.map((terms): ReplyPolicy => ({ policy: 'deadline', ...terms })),
    fc.tuple(fc.oneof(all, quorum), byDeadline).map(([policy, terms]) => ({ ...policy, ...terms })),
  );
}

/** What has been replied after each outcome. @param deadlineAt how many of them come before the deadline */
function replay(
  policy: ReplyPolicy,
  sequence: readonly Outcome[],
  deadlineAt = Infinity,
): (Reply | undefined)[] {
  const names = sequence.map(({ subTask }) => subTask).sort();
  const source = new Subject<Outcome>();
  const replies: Reply[] = [];
  const settled: Outcome[] = [];
  source.pipe(decideBy(policy, sequence.length)).subscribe(() => {
    if (replies.length === 0) replies.push(replyOf(policy, settled, names));
  });
  const after = sequence.map((next, index) => {
    if (index === deadlineAt && replies.length === 0) replies.push(replyAtDeadline(policy, settled, names));
    settled.push(next);
    source.next(next);
    return replies[0];
  });
  source.complete();
  expect(replies).toHaveLength(1);
  return after;
}

const kindOf = (reply: Reply | undefined) =>
  reply === undefined ? 'open' : 'error' in reply ? 'refused' : 'answered';

describe('the reply', () => {
  test('answers as the model says, at the first outcome that decides, exactly once', () => {
    const cases = outcomes.chain((sequence) =>
      fc.tuple(fc.constant(sequence), policyFor(sequence.map(({ subTask }) => subTask))),
    );
    fc.assert(
      fc.property(cases, ([sequence, policy]) => {
        const names = sequence.map(({ subTask }) => subTask);
        let decided: string | undefined;
        const expected = sequence.map((_, index) => {
          const now = model(policy, names, sequence.slice(0, index + 1));
          if (now !== 'open') decided ??= now;
          return decided ?? 'open';
        });
        expect(replay(policy, sequence).map(kindOf)).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is at the deadline what has succeeded by then, where that is enough and nothing has decided before', () => {
    const cases = outcomes.chain((sequence) =>
      fc.tuple(
        fc.constant(sequence),
        policyFor(sequence.map(({ subTask }) => subTask)).filter(
          (policy) => deadlineOf(policy) !== undefined,
        ),
        fc.nat({ max: sequence.length - 1 }),
      ),
    );
    fc.assert(
      fc.property(cases, ([sequence, policy, deadlineAt]) => {
        const names = sequence.map(({ subTask }) => subTask);
        const before = sequence.slice(0, deadlineAt);
        const there = before.filter(({ status }) => status === 'succeeded').map(({ subTask }) => subTask);
        const inTime = before.some((_, at) => model(policy, names, sequence.slice(0, at + 1)) !== 'open');
        const reply = replay(policy, sequence, deadlineAt).at(-1)!;
        if (inTime) {
          expect(reply).toEqual(replay(policy, sequence).at(-1));
          return;
        }
        expect(kindOf(reply)).toBe(there.length >= leastOf(policy) ? 'answered' : 'refused');
        const leftOut = before.filter(isLeftOut).map(({ subTask }) => subTask);
        const missing = names.filter((name) => ![...there, ...leftOut].includes(name)).sort();
        const toldMissing = 'error' in reply ? reply.error.missing : (reply.missing ?? []);
        expect(toldMissing).toEqual(missing);
        if ('error' in reply) {
          expect(reply.error.code).toBe('deadline-exceeded');
          expect(reply.error.failures).toHaveLength(before.length - there.length);
        } else {
          expect(reply.answeredBy).toEqual(there);
          expect(Object.keys(reply.result as object)).toEqual(there);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  const success = (subTask: string): Outcome => ({
    subTask,
    status: 'succeeded',
    result: subTask.toUpperCase(),
  });
  const failed = (subTask: string): Outcome => ({
    subTask,
    status: 'failed',
    error: { code: 'timeout', message: 'late' },
  });
  const cancelled = (subTask: string): Outcome => ({ subTask, status: 'cancelled', reason: 'stopped' });

  test('names one winner, with its result as it is', () => {
    expect(replay({ policy: 'first-success' }, [failed('a'), success('b'), success('c')]).at(-1)).toEqual({
      answeredBy: 'b',
      result: 'B',
    });
  });

  test('lists the winners of a quorum in the order in which they finished, with their results by name', () => {
    expect(replay({ policy: 'quorum', quorum: 2 }, [success('b'), failed('a'), success('c')]).at(-1)).toEqual(
      {
        answeredBy: ['b', 'c'],
        result: { b: 'B', c: 'C' },
      },
    );
  });

  test('says why when the policy can’t be met any more', () => {
    expect(replay({ policy: 'first-success' }, [failed('a'), failed('b')]).at(-1)).toEqual({
      error: {
        code: 'run-failed',
        message: "The reply policy first-success can't be met any more",
        failures: [
          { subTask: 'a', code: 'timeout', message: 'late' },
          { subTask: 'b', code: 'timeout', message: 'late' },
        ],
      },
    });
  });

  test.each<ReplyPolicy>([{ policy: 'first-settled' }, { policy: 'primary', primary: 'b' }])(
    'does not call a run cancelled whose failure decides alone, under $policy',
    (policy) => {
      expect(replay(policy, [cancelled('a'), failed('b')]).at(-1)).toMatchObject({
        error: { code: 'run-failed' },
      });
    },
  );

  test('says that the deadline of the run came first, where that is why sub-tasks were cancelled', () => {
    const ended: Outcome = { subTask: 'b', status: 'cancelled', reason: PAST_DEADLINE };
    expect(replay({ policy: 'first-success' }, [failed('a'), ended]).at(-1)).toMatchObject({
      error: { code: 'deadline-exceeded', missing: ['a', 'b'] },
    });
    expect(replay({ policy: 'deadline', deadline: '1m' }, [success('a'), ended]).at(-1)).toEqual({
      answeredBy: ['a'],
      result: { a: 'A' },
      missing: ['b'],
    });
  });

  const says = (subTask: string, result: JsonValue): Outcome => ({ subTask, status: 'succeeded', result });

  test('is under agreement the first of the equal results, whatever the order of their members', () => {
    const policy = { policy: 'agreement', agreement: 2, ignore: ['/at', '/list/0'] } as const;
    const sequence = [
      says('a', { n: 2n ** 64n, list: [1, 2], at: 1 }),
      says('b', { n: 2n ** 64n + 1n, list: [1, 2] }),
      says('c', { list: [3, 2], n: 2n ** 64n, at: 2 }),
    ];
    expect(replay(policy, sequence).at(-1)).toEqual({
      answeredBy: ['a', 'c'],
      result: { n: 2n ** 64n, list: [1, 2], at: 1 },
    });
  });

  test('is a dispute with its camps where too few results are equal, and none where too few succeeded', () => {
    const policy = { policy: 'agreement', agreement: 3, pointer: '/v' } as const;
    const one = says('a', { v: 1 });
    const other = says('b', { v: 2 });
    const none = says('c', { w: 1 });
    expect(replay(policy, [other, one, says('d', { v: 1 }), none]).at(-1)).toMatchObject({
      error: {
        code: 'run-disputed',
        failures: [],
        camps: [{ subTasks: ['a', 'd'], value: 1 }, { subTasks: ['b'], value: 2 }, { subTasks: ['c'] }],
      },
    });
    expect(replay(policy, [none, says('d', {}), says('e', {})]).at(-1)).toMatchObject({
      error: { code: 'run-disputed' },
    });
    expect(replay(policy, [one, failed('b'), other]).at(-1)).toMatchObject({ error: { code: 'run-failed' } });
  });

  const leftOut = (subTask: string): Outcome => ({ subTask, status: 'skipped', reason: WHEN_FALSE });

  test('of all is that of those that are eligible, and names no other as missing', () => {
    const reply = { answeredBy: ['b'], result: { b: 'B' } };
    for (const policy of [{ policy: 'all' }, { policy: 'deadline', deadline: '1s' }] as const)
      expect(replay(policy, [leftOut('a'), success('b')]).at(-1)).toEqual(reply);
    expect(replay({ policy: 'all' }, [success('b'), leftOut('a')]).at(-1)).toEqual(reply);
    expect(replay({ policy: 'all' }, [leftOut('a'), failed('b')]).at(-1)).toMatchObject({
      error: { code: 'run-failed', failures: [{ subTask: 'a', code: 'skipped' }, { subTask: 'b' }] },
    });
  });

  test('calls a run cancelled when cancelled sub-tasks are why it can’t be answered', () => {
    expect(replay({ policy: 'all' }, [cancelled('a'), success('b')]).at(-1)).toMatchObject({
      error: { code: 'run-cancelled', failures: [{ subTask: 'a', code: 'cancelled', message: 'stopped' }] },
    });
  });
});
