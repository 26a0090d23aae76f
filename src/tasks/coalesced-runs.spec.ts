import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { hearer } from '../../test/support/hearer.js';
import { coalescingOf } from '../core/coalescing.js';
import { DomainError } from '../core/domain-error.js';
import { Measures } from '../core/measures.js';
import { SubTask, Task } from '../index.js';
import type { RunTerms } from '../run/run-terms.js';
import type { Runs } from '../run/runs.js';
import { FrontrunnerTesting } from '../testing/index.js';
import type { StartOptions } from '../library/frontrunner.js';
import { CoalescedRuns } from './coalesced-runs.js';
import type { HeldKeys } from './held-keys.js';
import type { PastReplies } from './past-replies.js';

@SubTask({ name: 'upstream' })
class Upstream {
  run = (input: unknown): unknown => input;
}

@SubTask({ name: 'quick' })
class Quick {
  run = (input: unknown): unknown => input;
}

@Task({ name: 'two', subTasks: [Upstream, Quick], reuse: { for: '30s' } })
class Two {}
@Task({ name: 'plain', subTasks: [Upstream] })
class Plain {}
@Task({ name: 'whole', subTasks: [Upstream], coalesce: {} })
class Whole {}
@Task({ name: 'city', subTasks: [Upstream], coalesce: { key: '{input.city}', for: '1s' } })
class City {}
@Task({ name: 'reuse', subTasks: [Upstream], reuse: { for: '30s', staleIfError: '1h' } })
class Reused {}
@Task({ name: 'fresh', subTasks: [Upstream], reuse: { for: '30s' } })
class Fresh {}

describe('equal requests', () => {
  let fr: FrontrunnerTesting;
  beforeEach(() => {
    fr = FrontrunnerTesting.create({ tasks: [Plain, Whole, City, Reused, Fresh] });
  });
  afterEach(() => fr.close());

  const start = (task: string, input: object = {}, options: StartOptions = {}) =>
    fr.start(task, input, options);
  const calls = () => fr.calls(Upstream).length;
  const upstream = () => fr.stub(Upstream);

  test('have a run each where the task says nothing', async () => {
    upstream().resolves(1).after('1s');
    const [one, other] = [await start('plain'), await start('plain')];
    expect(one.id).not.toBe(other.id);
    expect([one.coalesced, other.coalesced, other.reused]).toEqual([false, false, false]);
    expect(calls()).toBe(2);
  });

  test('get the same run and the same reply as long as it has none', async () => {
    upstream().resolves('one').after('1s');
    const runs = await Promise.all([
      start('whole', { a: 1, b: 2 }),
      ...Array.from({ length: 100 }, () => start('whole', { b: 2, a: 1 })),
    ]);
    await fr.advance('999ms');
    runs.push(await start('whole', { a: 1, b: 2 }));
    expect(new Set(runs.map(({ id }) => id)).size).toBe(1);
    expect(runs.map(({ coalesced }) => coalesced)).toEqual([false, ...Array<boolean>(101).fill(true)]);
    await fr.advance('1ms');
    for (const run of runs) expect(await run.reply()).toMatchObject({ runId: runs[0].id, result: 'one' });
    expect(calls()).toBe(1);
    const next = await start('whole', { a: 1, b: 2 });
    expect([next.id === runs[0].id, next.coalesced]).toEqual([false, false]);
  });

  test('right after the reply get another run', async () => {
    upstream().resolves('one');
    const one = await fr.frontrunner.start('whole');
    await one.reply();
    expect((await fr.frontrunner.start('whole')).id).not.toBe(one.id);
  });

  test.each<[string, object, StartOptions]>([
    ['input', { a: 2 }, {}],
    ['reply policy', { a: 1 }, { reply: { policy: 'first-settled' } }],
    ['losers policy', { a: 1 }, { losers: 'cancel' }],
    ['deadline', { a: 1 }, { deadline: '1m' }],
    ['labels', { a: 1 }, { labels: { tenant: 'acme' } }],
    ['webhooks', { a: 1 }, { webhooks: [{ url: 'https://hooks.invalid/' }] }],
    ['key of idempotency', { a: 1 }, { idempotencyKey: 'mine' }],
  ])('are not those with another %s', async (_what, input, options) => {
    upstream().resolves(1).after('1s');
    const one = await start('whole', { a: 1 });
    const other = await start('whole', input, options);
    expect([other.id === one.id, other.coalesced]).toEqual([false, false]);
    expect((await start('whole', { a: 1 }, { losers: 'continue' })).id).toBe(one.id);
  });

  test('are those with the key of the task, and those without it have a run each', async () => {
    upstream().resolves(1).after('1s');
    const one = await start('city', { city: 'Oslo', page: 1 });
    expect((await start('city', { city: 'Oslo', page: 2 })).id).toBe(one.id);
    expect((await start('city', { city: 'Rome' })).id).not.toBe(one.id);
    expect((await start('city')).id).not.toBe((await start('city')).id);
  });

  test('get a run that has its reply for as long after its start as the task says', async () => {
    upstream().resolves(1).after('400ms');
    const one = await start('city', { city: 'Oslo' });
    await fr.advance('999ms');
    const other = await start('city', { city: 'Oslo' });
    expect([other.id, other.coalesced]).toEqual([one.id, true]);
    expect(await other.reply()).toMatchObject({ result: 1 });
    await fr.advance('1ms');
    expect((await start('city', { city: 'Oslo' })).id).not.toBe(one.id);
  });

  test('share a failure, and the next one tries again', async () => {
    upstream()
      .runs(() => {
        throw new Error('down');
      })
      .after('400ms');
    const runs = [await start('city', { city: 'Oslo' }), await start('city', { city: 'Oslo' })];
    await fr.advance('400ms');
    for (const run of runs) await expect(run.reply()).rejects.toMatchObject({ code: 'run-failed' });
    expect((await start('city', { city: 'Oslo' })).id).not.toBe(runs[0]?.id);
  });

  test('share a cancellation, and the next one starts anew', async () => {
    upstream().neverSettles();
    const [one, other] = [await start('whole'), await start('whole')];
    await other.cancel();
    await expect(one.reply()).rejects.toMatchObject({ code: 'run-cancelled' });
    expect((await start('whole')).id).not.toBe(one.id);
  });

  test('are coalesced however long a run takes', async () => {
    upstream().resolves(1).after('59s');
    const one = await start('whole');
    await fr.advance('58s');
    expect((await start('whole')).id).toBe(one.id);
  });
});

describe('a reply that is used again', () => {
  let fr: FrontrunnerTesting;
  let result = 0;
  let fails = false;
  beforeEach(() => {
    result = 0;
    fails = false;
    fr = FrontrunnerTesting.create({ tasks: [Reused, Fresh, Two] });
    fr.stub(Upstream)
      .runs(() => {
        if (fails) throw new Error('down');
        return ++result;
      })
      .after('1s');
  });
  afterEach(() => fr.close());

  const calls = () => fr.calls(Upstream).length;
  /** A first run with the result 1. Its reply is as old as said. */
  const replied = async (task: string, age: `${number}ms` | `${number}s`) => {
    const run = await fr.start(task);
    await fr.advance('1s');
    await fr.advance(age);
    return run;
  };

  test('answers at once, with its run and its age, and makes no call', async () => {
    const first = await replied('reuse', '14.9s');
    const again = await fr.start('reuse');
    expect([again.id, again.reused, again.coalesced]).toEqual([first.id, true, false]);
    expect(await again.reply()).toMatchObject({ runId: first.id, result: 1, reused: true, ageMs: 14_900 });
    expect(await first.reply()).not.toHaveProperty('reused');
    expect(calls()).toBe(1);
  });

  test('is refreshed in the background in the second half of its time, once', async () => {
    const first = await replied('reuse', '15s');
    for (let count = 0; count < 3; count++)
      expect(await (await fr.start('reuse')).reply()).toMatchObject({ runId: first.id, ageMs: 15_000 });
    expect(calls()).toBe(2);
    await fr.advance('1s');
    const next = await (await fr.start('reuse')).reply();
    expect(next).toMatchObject({ result: 2, reused: true, ageMs: 0 });
  });

  test('is not refreshed again and again by runs that fail', async () => {
    await replied('reuse', '15s');
    fails = true;
    await fr.start('reuse');
    await fr.advance('1s');
    await fr.start('reuse');
    expect(calls()).toBe(2);
    await fr.advance('2s');
    expect(await (await fr.start('reuse')).reply()).toMatchObject({ result: 1, ageMs: 18_000 });
    expect(calls()).toBe(3);
  });

  test('is followed by the reply of a new run past its time', async () => {
    const first = await replied('reuse', '30s');
    const [next, other] = [await fr.start('reuse'), await fr.start('reuse')];
    expect([next.id === first.id, next.reused, other.id]).toEqual([false, false, next.id]);
    await fr.advance('1s');
    expect(await next.reply()).toMatchObject({ runId: next.id, result: 2 });
    expect(await next.reply()).not.toHaveProperty('reused');
  });

  test('answers in the place of a failure as long as the task says', async () => {
    const first = await replied('reuse', '30s');
    fails = true;
    const next = await fr.start('reuse');
    await fr.advance('1s');
    expect(await next.reply()).toMatchObject({ runId: first.id, result: 1, reused: true, ageMs: 31_000 });
    await fr.advance('3568.5s');
    const last = await fr.start('reuse');
    await fr.advance('1s');
    await expect(last.reply()).rejects.toMatchObject({ code: 'run-failed' });
  });

  test('answers in the place of no failure where the task does not say so', async () => {
    await replied('fresh', '30s');
    fails = true;
    const next = await fr.start('fresh');
    await fr.advance('1s');
    await expect(next.reply()).rejects.toMatchObject({ code: 'run-failed' });
  });

  test('is none that a deadline has cut short', async () => {
    fr.stub(Upstream).neverSettles();
    fr.stub(Quick).resolves('quick');
    const reply = { policy: 'deadline', deadline: '2s' } as const;
    const first = await fr.start('two', {}, { reply });
    await fr.advance('2s');
    expect(await first.reply()).toMatchObject({ missing: ['upstream'] });
    const next = await fr.start('two', {}, { reply });
    expect([next.id === first.id, next.reused]).toEqual([false, false]);
  });

  test('does not answer in the place of a cancellation', async () => {
    await replied('reuse', '30s');
    const next = await fr.start('reuse');
    await next.cancel();
    await expect(next.reply()).rejects.toMatchObject({ code: 'run-cancelled' });
  });
});

test('equal requests that one of the past answers for want of room are counted as reused', async () => {
  const [measures, shared] = [new Measures(), jest.fn()];
  measures.hearers = [hearer({ shared })];
  const held = { attach: () => Promise.reject(new DomainError('overloaded', 'full')) };
  const past = { find: () => Promise.resolve({ runId: 'past', ageMs: 5_000 }) };
  const runs = new CoalescedRuns(
    {} as Runs,
    held as object as HeldKeys,
    past as object as PastReplies,
    measures,
  );
  const terms = { id: 'new', task: 'task', origin: {} } as Partial<RunTerms> as RunTerms;
  const coalescing = coalescingOf({}, { for: '1s', staleIfError: '1h' })!;
  expect(await runs.start(terms, {}, coalescing)).toMatchObject({ runId: 'past', reused: { ageMs: 5_000 } });
  expect(shared.mock.calls).toEqual([['task', 'reused']]);
});
