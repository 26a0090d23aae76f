import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { definition, statisticsOf } from '../../test/support/statistics.js';
import { ToldLog } from '../../test/support/told-log.js';
import type { ReplyPolicy } from '../core/policies.js';
import { raceTable } from './race-table.js';

const NOW = Date.UTC(2026, 0, 1, 12);

describe('the race table', () => {
  let log: ToldLog;
  beforeEach(() => {
    log = new ToldLog();
    jest.spyOn(Date, 'now').mockReturnValue(NOW);
  });
  afterEach(() => void jest.restoreAllMocks());

  const at = NOW - 60_000;
  const begin = (reply?: ReplyPolicy) => log.run({ at, ...(reply && { reply }) });

  /** What the log so far adds up to, for a task with these sub-tasks and this policy. */
  function table({
    reply = { policy: 'first-success' },
    subTasks = ['a', 'b'],
  }: { readonly reply?: ReplyPolicy; readonly subTasks?: readonly string[] } = {}) {
    const task = definition(reply, subTasks);
    const statistics = statisticsOf(task);
    statistics.count(log.events);
    return raceTable(task, statistics.slices('task'));
  }
  const subTask = (name: 'a' | 'b', options?: Parameters<typeof table>[0]) =>
    table(options).subTasks.find((row) => row.name === name)!;
  const NONE = { count: 0, p50: null, p90: null, p99: null };
  const only = (ms: number) => ({ count: 1, p50: ms, p90: ms, p99: ms });

  test('counts who dissents, before the reply and behind it', () => {
    const reply: ReplyPolicy = { policy: 'agreement', agreement: 2 };
    const subTasks = ['a', 'b', 'c', 'd', 'e'];
    const run = log.run({ at, reply, subTasks }).started(0, 'a').started(0, 'b').started(0, 'c');
    run.started(0, 'd').started(0, 'e');
    run.succeeded(1, 'b', 2).succeeded(2, 'a').succeeded(3, 'c').replied(3, ['a', 'c']);
    run.succeeded(4, 'd', 3).succeeded(5, 'e').finished(5);
    expect(table({ reply, subTasks }).subTasks.map(({ name, dissents }) => [name, dissents])).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 0],
      ['d', 1],
      ['e', 0],
    ]);
  });

  test('has a row for each sub-task before there is any run', () => {
    expect(table()).toEqual({
      runs: 0,
      replies: 0,
      errors: 0,
      replyMs: NONE,
      subTasks: ['a', 'b'].map((name) => ({
        name,
        wins: 0,
        winShare: null,
        starts: 0,
        extraStarts: 0,
        heldBack: 0,
        skips: 0,
        failures: 0,
        cancellations: 0,
        dissents: 0,
        durationMs: NONE,
        answerMs: NONE,
        marginMs: NONE,
      })),
      hedging: {
        extraStarts: 0,
        extraStartShare: null,
        heldBack: 0,
        withoutHedgesMs: NONE,
        savedMs: 0,
        savedRuns: 0,
        unknownRuns: 0,
      },
    });
  });

  test('shows who won, how long each took, and by how much it won', () => {
    begin()
      .started(0, 'a')
      .started(2, 'b')
      .succeeded(10, 'a')
      .replied(10.2, 'a')
      .succeeded(15, 'b')
      .finished(15);
    expect(table()).toMatchObject({ runs: 1, replies: 1, errors: 0, replyMs: only(10.2) });
    expect(subTask('a')).toMatchObject({ wins: 1, winShare: 1, starts: 1, durationMs: only(10) });
    expect(subTask('b')).toMatchObject({ wins: 0, winShare: 0, starts: 1, durationMs: only(13) });
    expect([subTask('a').marginMs, subTask('b').marginMs]).toEqual([only(5), NONE]);
  });

  test('takes the margin to the next success alone, also when that comes before the reply is recorded', () => {
    const names = ['a', 'b', 'c'];
    const run = log.run({ at, subTasks: names });
    for (const name of names) run.started(0, name);
    run.succeeded(10, 'b').succeeded(14, 'c').replied(10, 'b').succeeded(24, 'a').finished(24);
    expect(table({ subTasks: names }).subTasks.map(({ marginMs }) => marginMs)).toEqual([
      NONE,
      only(4),
      NONE,
    ]);
  });

  test('shows the first chunks of streams, and what cancelled and failed attempts had brought', () => {
    const had = (chunks: number, firstChunkMs: number | undefined, tokens?: number) => ({
      ...{ chunks, bytes: 10 * chunks },
      ...(firstChunkMs !== undefined && { firstChunkMs }),
      ...(tokens !== undefined && { tokens }),
    });
    const run = begin()
      .started(0, 'a')
      .retrying(9, 'a', had(3, 5, 2))
      .hedged(9, 'b')
      .started(9, 'a');
    run
      .streamed(12, 'a', ['x'])
      .cancelled(12, 'b', had(4, 2, 7))
      .succeeded(20, 'a', 'xy', had(2, 3, 2));
    run.replied(20, 'a', 20, 12).finished(20);
    begin().started(0, 'a').started(0, 'b').cancelled(1, 'b', had(0, undefined)).failed(2, 'a', had(1, 1));
    const { firstChunkMs, hedging } = table();
    expect(firstChunkMs).toEqual(only(12));
    expect(subTask('a').stream).toEqual({
      firstChunkMs: { count: 3, p50: 3, p90: 5, p99: 5 },
      cancelled: { attempts: 0, chunks: 0, bytes: 0, tokens: 0 },
      failed: { attempts: 2, chunks: 4, bytes: 40, tokens: 2 },
    });
    const cut = { attempts: 2, chunks: 4, bytes: 40, tokens: 7 };
    expect(subTask('b').stream).toMatchObject({ firstChunkMs: only(2), cancelled: cut });
    expect(hedging.cut).toEqual(cut);
    expect(hedging).toMatchObject({ extraStarts: 1, savedMs: 0 });
  });

  test('counts failures, cancellations, skips and what the budget held back, and first attempts alone', () => {
    begin()
      .started(0, 'a')
      .retrying(1, 'a')
      .started(2, 'a')
      .heldBack(5, 'b')
      .failed(9, 'a')
      .started(9, 'b', { trigger: 'failure' })
      .cancelled(20, 'b')
      .defeated(20)
      .finished(20);
    begin().started(0, 'a').succeeded(3, 'a').replied(3, 'a').skipped(3, 'b').finished(3);
    expect(table()).toMatchObject({ runs: 2, replies: 1, errors: 1, replyMs: only(3) });
    expect(subTask('a')).toMatchObject({ starts: 2, failures: 1, wins: 1, winShare: 1, durationMs: only(3) });
    expect(subTask('b')).toMatchObject({
      starts: 1,
      extraStarts: 0,
      heldBack: 1,
      cancellations: 1,
      skips: 1,
    });
    expect(table().hedging).toMatchObject({ extraStarts: 0, heldBack: 1 });
  });

  test('takes what was cancelled for slower than it had been when it says when answers come, and failures for none', () => {
    for (const ms of [5, 10, 15, 20]) {
      const run = begin().started(0, 'a').started(0, 'b').succeeded(ms, 'a').replied(ms, 'a');
      if (ms > 5) run.cancelled(ms, 'b');
      else run.failed(ms + 1, 'b');
      run.finished(ms + 1);
    }
    begin().started(0, 'b').succeeded(18, 'b').replied(18, 'b').finished(18);
    expect(subTask('a').answerMs).toEqual({ count: 4, p50: 10, p90: 20, p99: 20 });
    // One failed, two may have taken longer than 18, and one did.
    expect(subTask('b')).toMatchObject({
      durationMs: only(18),
      answerMs: { count: 5, p50: null, p90: null, p99: null },
    });
    for (const ms of [19, 20]) begin().started(0, 'b').succeeded(ms, 'b').replied(ms, 'b').finished(ms);
    expect(subTask('b').answerMs).toMatchObject({ count: 7, p50: 20, p90: null });
  });

  test('says nothing of how quick one is that failed without an attempt, or because of a breaker', () => {
    begin().failed(0, 'a').defeated(0).finished(0);
    begin().started(0, 'a').retrying(5, 'a').failed(9, 'a').defeated(9).finished(9);
    const failed = log.events.findLast(({ type }) => type === 'sub-task.failed')!;
    Object.assign(failed.data, { error: { code: 'circuit-open', message: 'open' } });
    expect(subTask('a')).toMatchObject({ failures: 2, answerMs: NONE });
  });

  test('counts every sub-task whose result is in the reply as a winner', () => {
    const reply: ReplyPolicy = { policy: 'quorum', quorum: 2 };
    begin(reply).started(0, 'a').started(0, 'b').succeeded(4, 'a').succeeded(9, 'b').replied(9, ['a', 'b']);
    expect(table({ reply }).subTasks.map(({ winShare }) => winShare)).toEqual([1, 1]);
    expect(table({ reply }).replyMs).toEqual(only(9));
  });

  test('leaves out sub-tasks that the task has no more, and keeps the order in which it declares them', () => {
    log.reply(3, { at });
    expect(table({ subTasks: ['c', 'a'] }).subTasks.map(({ name, wins }) => [name, wins])).toEqual([
      ['c', 0],
      ['a', 1],
    ]);
  });

  test('learns reply times from runs with the policy that the task declares alone', () => {
    log.reply(3, { at });
    log.reply(500, { at, reply: { policy: 'primary', primary: 'a' } });
    begin().started(0, 'a').succeeded(4, 'a').replied(4, 'a', null);
    expect(table()).toMatchObject({ replies: 3, replyMs: only(3) });
    expect(subTask('a')).toMatchObject({ wins: 3, durationMs: { count: 3 } });
    expect(table({ reply: { policy: 'primary', primary: 'a' } }).replyMs.count).toBe(1);
  });

  describe('of hedges', () => {
    const hedged = (reply?: ReplyPolicy) => begin(reply).started(0, 'a').hedged(20, 'b');

    test('shows what they cost', () => {
      hedged().succeeded(25, 'a').replied(25, 'a').succeeded(30, 'b').finished(30);
      for (let n = 0; n < 3; n += 1) log.reply(3, { at });
      expect(table().hedging).toMatchObject({ extraStarts: 1, extraStartShare: 0.25 });
      expect(subTask('b')).toMatchObject({ starts: 1, extraStarts: 1, skips: 3 });
    });

    test('shows the reply without them as it was where there was none, or where none won', () => {
      hedged().succeeded(25, 'a').replied(25, 'a').succeeded(30, 'b').finished(30);
      log.reply(3, { at });
      const withoutHedgesMs = { count: 2, p50: 3, p90: 25, p99: 25 };
      expect(table()).toMatchObject({
        replyMs: withoutHedgesMs,
        hedging: { withoutHedgesMs, savedMs: 0, savedRuns: 0, unknownRuns: 0 },
      });
    });

    test('shows when the others would have replied that were let run', () => {
      hedged().succeeded(22, 'b').replied(22.3, 'b').succeeded(24, 'a').finished(24);
      expect(table()).toMatchObject({
        replyMs: only(22.3),
        hedging: { withoutHedgesMs: only(24.3), savedMs: 2, savedRuns: 1, unknownRuns: 0 },
      });
    });

    test('takes the first success of several others', () => {
      const names = ['a', 'b', 'c'];
      const run = log.run({ at, subTasks: names }).started(0, 'a').started(0, 'c').hedged(10, 'b');
      run.succeeded(12, 'b').replied(12, 'b').succeeded(14, 'c').succeeded(20, 'a').finished(20);
      expect(table({ subTasks: names }).hedging.withoutHedgesMs).toEqual(only(14));
    });

    test('counts sub-tasks that a failure started, or a need, among the others', () => {
      for (const trigger of ['failure', 'need'] as const) {
        begin().started(0, 'a').failed(5, 'a').started(5, 'b', { trigger }).succeeded(9, 'b').replied(9, 'b');
      }
      expect(table().hedging).toMatchObject({ extraStarts: 0, withoutHedgesMs: { count: 2, p99: 9 } });
    });

    test('takes what the failure of a hedge started for a hedge too', () => {
      const names = ['a', 'b', 'c'];
      const run = () => log.run({ at, subTasks: names }).started(0, 'a').hedged(100, 'b').failed(120, 'b');
      run()
        .started(120, 'c', { trigger: 'failure' })
        .succeeded(140, 'c')
        .replied(140, 'c')
        .succeeded(1_000, 'a')
        .finished(1_000);
      expect(table({ subTasks: names }).hedging).toMatchObject({
        extraStarts: 1,
        unknownRuns: 0,
        withoutHedgesMs: { count: 1, p50: expect.closeTo(1_000, -1) },
      });
      const late = run().started(120, 'c', { trigger: 'failure' }).succeeded(140, 'c').replied(140, 'c');
      late.failed(1_000, 'a').finished(1_000);
      expect(table({ subTasks: names }).hedging.unknownRuns).toBe(1);
    });

    test('shows what is certain where the others were cancelled, and that more is unknown', () => {
      hedged().succeeded(22, 'b').replied(22, 'b').cancelled(24, 'a').finished(24);
      expect(table().hedging).toMatchObject({ withoutHedgesMs: only(24), unknownRuns: 1 });
    });

    test('shows what is certain where the others failed, and that more is unknown', () => {
      hedged().failed(21, 'a').succeeded(22, 'b').replied(22, 'b').finished(24);
      expect(table().hedging).toMatchObject({ withoutHedgesMs: only(22), unknownRuns: 1 });
    });

    test('takes one that was started to learn from for an extra start, but not what a failure of another starts then', () => {
      const names = ['a', 'b', 'c'];
      const explore = { trigger: 'exploration' } as const;
      const run = () => log.run({ at, subTasks: names }).started(0, 'a').started(0, 'c', explore);
      run()
        .failed(5, 'a')
        .started(5, 'b', { trigger: 'failure' })
        .succeeded(9, 'b')
        .replied(9, 'b')
        .succeeded(30, 'c')
        .finished(30);
      expect(table({ subTasks: names }).hedging).toMatchObject({
        ...{ extraStarts: 1, unknownRuns: 0, savedMs: 0 },
        withoutHedgesMs: only(9),
      });
      run().succeeded(4, 'c').replied(4, 'c').succeeded(24, 'a').finished(24);
      expect(table({ subTasks: names }).hedging).toMatchObject({ extraStarts: 2, savedMs: 20, savedRuns: 1 });
    });

    test('takes no hedge that was cancelled for one of the others', () => {
      const names = ['a', 'b', 'c'];
      const run = log.run({ at, subTasks: names }).started(0, 'a').hedged(10, 'b').hedged(11, 'c');
      run.succeeded(12, 'b').replied(12, 'b').cancelled(13, 'c').failed(20, 'a').finished(20);
      expect(table({ subTasks: names }).hedging).toMatchObject({
        withoutHedgesMs: only(12),
        unknownRuns: 1,
      });
    });

    test('claims to know nothing under other policies', () => {
      const reply: ReplyPolicy = { policy: 'quorum', quorum: 1 };
      hedged(reply).succeeded(22, 'b').replied(22, ['b']).succeeded(24, 'a').finished(24);
      expect(table({ reply }).hedging).toMatchObject({ withoutHedgesMs: only(22), unknownRuns: 1 });
    });

    test('counts a run only when its losers have ended', () => {
      const run = hedged().succeeded(22, 'b').replied(22, 'b');
      expect(table()).toMatchObject({
        replyMs: only(22),
        hedging: { withoutHedgesMs: NONE, unknownRuns: 0 },
      });
      run.succeeded(24, 'a').finished(24);
      expect(table().hedging.withoutHedgesMs).toEqual(only(24));
    });
  });

  describe('counts nothing of a run', () => {
    test('that was tried again on request when it was finished', () => {
      const run = begin().started(0, 'a').failed(4, 'a').defeated(4).skipped(4, 'b').finished(4);
      const before = table();
      run.reopened(9_000).retrying(9_000, 'a').started(9_000, 'a').succeeded(9_001, 'a');
      run.replied(9_001, 'a').finished(9_001);
      expect(table()).toEqual(before);
    });

    test('of which a failed sub-task was tried again on request while others went on, from then on', () => {
      const run = begin().started(0, 'a').started(0, 'b').failed(4, 'a');
      const before = table();
      run.retrying(9_000, 'a').started(9_000, 'a').succeeded(9_001, 'a').replied(9_001, 'a');
      run.succeeded(9_002, 'b').finished(9_002);
      expect(table()).toEqual(before);
    });

    test('that it has not seen the start of', () => {
      const run = begin();
      log.events.shift();
      run.started(0, 'a').succeeded(4, 'a').replied(4, 'a').finished(4);
      expect(table()).toMatchObject({ runs: 0, replies: 0 });
      expect(subTask('a')).toMatchObject({ starts: 0, wins: 0, durationMs: NONE });
    });
  });

  test('takes a margin that a clock which was set back makes negative as none', () => {
    begin().started(0, 'a').started(0, 'b').succeeded(10, 'a').replied(10, 'a').succeeded(7, 'b').finished(7);
    expect(subTask('a').marginMs).toEqual(only(0));
  });
});
