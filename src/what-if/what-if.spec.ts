import { describe, expect, jest, test } from '@jest/globals';
import { definition } from '../../test/support/statistics.js';
import { ToldLog } from '../../test/support/told-log.js';
import type { TaskDefinition } from '../core/task.js';
import { RunReader } from './run-reader.js';
import { Turns } from './turns.js';
import { WhatIf } from './what-if.js';

const TIMEOUT_MS = 5_000;
const SOME = 4_000;

/** The same numbers each time (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How long `a` and `b` take in a run: as a rule 10 to 30 ms, one in twenty 300 to 900 ms. */
function drawTimes(random: () => number): { a: number; b: number } {
  const draw = (): number => Math.round(random() < 0.05 ? 300 + random() * 600 : 10 + random() * 20);
  return { a: draw(), b: draw() };
}

const task: TaskDefinition = {
  ...definition(),
  subTasks: definition().subTasks.map((subTask) => ({ ...subTask, timeoutMs: TIMEOUT_MS })),
  starts: ['at-once', { after: '100ms' }],
};

/** What callers wait where `b` starts so long after `a`: the truth that a replay is to find. */
function truth(times: readonly { a: number; b: number }[], afterMs: number) {
  const waits = times.map(({ a, b }) => (a <= afterMs ? a : Math.min(a, afterMs + b)));
  const sorted = waits.toSorted((one, other) => one - other);
  return {
    at: (quantile: number) => sorted[Math.ceil(quantile * sorted.length) - 1]!,
    extraStartShare: times.filter(({ a }) => a > afterMs).length / times.length,
  };
}

/** A log of runs under the rule of the task, whose losers are cancelled. */
function logged(times: readonly { a: number; b: number }[]) {
  const log = new ToldLog();
  times.forEach(({ a, b }, index) => {
    const run = log.run({ at: 1_800_000_000_000 + index * 1_000 }).started(0, 'a');
    if (a <= 100) run.succeeded(a, 'a').replied(a, 'a').skipped(a, 'b').finished(a);
    else if (a <= 100 + b)
      run.hedged(100, 'b').succeeded(a, 'a').replied(a, 'a').cancelled(a, 'b').finished(a);
    else {
      const end = 100 + b;
      run.hedged(100, 'b').succeeded(end, 'b').replied(end, 'b').cancelled(end, 'a').finished(end);
    }
  });
  return log;
}

function whatIf(log: ToldLog, of = task): WhatIf {
  const reader = new RunReader(of);
  return new WhatIf(
    of,
    log.events.flatMap((event) => reader.read(event) ?? []),
    new Turns(),
  );
}

const bounds = { start: undefined, hedgeBudget: Infinity };

describe('what another rule would have come to', () => {
  const random = numbers(1);
  const times = Array.from({ length: SOME }, () => drawTimes(random));
  const asked = whatIf(logged(times));

  test('is what it was, where that is the rule', async () => {
    const { actual } = asked;
    const { replayed, confidence, rule } = await asked.under(bounds);
    expect(replayed).toEqual({ ...actual, heldBack: 0 });
    expect(rule).toEqual({ start: 'declared', afterMs: 100, hedgeBudget: null });
    expect(confidence).toMatchObject({ known: SOME, drawn: 0 });
    expect(confidence.soonest).toEqual(confidence.latest);
    const { at, extraStartShare } = truth(times, 100);
    expect(actual.replyMs).toEqual({ p50: at(0.5), p90: at(0.9), p99: at(0.99), 'p99.9': at(0.999) });
    expect(actual.extraStartShare).toBeCloseTo(extraStartShare, 3);
  });

  test.each(['40ms', '200ms', 'p90', 'at-once', 'after-failure'])(
    'is near the truth under %s, and within its bounds, although losers were cut',
    async (start) => {
      const { replayed, confidence, rule } = await asked.under({ ...bounds, start });
      const afterMs = { 'at-once': 0, 'after-failure': Infinity }[start] ?? rule.afterMs!;
      const { at, extraStartShare } = truth(times, afterMs);
      const [p50, p99] = [at(0.5), at(0.99)];
      expect(Math.abs(replayed.replyMs.p50! - p50)).toBeLessThanOrEqual(2);
      // Hardly any of those that were slow was let run for longer than its hedge took: nobody knows how long it would have gone on.
      if (start === 'after-failure') expect(replayed.replyMs.p99).toBeGreaterThan(p99);
      else expect(Math.abs(replayed.replyMs.p99! - p99)).toBeLessThanOrEqual(0.12 * p99);
      if (start !== 'at-once') expect(replayed.extraStartShare).toBeCloseTo(extraStartShare, 3);
      for (const [name, quantile] of [
        ['p50', 0.5],
        ['p99', 0.99],
      ] as const) {
        expect(confidence.soonest.replyMs[name]).toBeLessThanOrEqual(at(quantile));
        expect(confidence.latest.replyMs[name]).toBeGreaterThanOrEqual(at(quantile));
      }
      expect(confidence.known + confidence.drawn).toBe(SOME);
      expect(confidence.drawn).toBeGreaterThan(0);
    },
  );

  test('keeps to a hedge budget, and says how many more that holds back', async () => {
    const { replayed } = await asked.under({ start: 'p50', hedgeBudget: 0.1 });
    expect(replayed.extraStartShare).toBeGreaterThan(0.09);
    expect(replayed.extraStartShare).toBeLessThanOrEqual(0.1);
    expect(replayed.heldBack).toBeGreaterThan(0.3 * SOME);
  });

  test('takes the quantiles of replies without hedges', async () => {
    const { rule } = await asked.under({ ...bounds, start: 'p99' });
    expect(rule.afterMs).toBeGreaterThan(300);
  });

  test('lets others have a turn behind each run', async () => {
    const reader = new RunReader(task);
    const runs = logged(times.slice(0, 7)).events.flatMap((event) => reader.read(event) ?? []);
    const turns = new Turns();
    const take = jest.spyOn(turns, 'take');
    await new WhatIf(task, runs, turns).under({ ...bounds, start: '40ms' });
    // Without times, then drawn, soonest and latest.
    expect(take).toHaveBeenCalledTimes(4 * 7);
  });

  test('is the same each time', async () => {
    const again = whatIf(logged(times));
    expect(await again.curve()).toEqual(await asked.curve());
  });

  test('costs more starts along the curve, and lets callers wait less at its end than at its beginning', async () => {
    const curve = await asked.curve();
    const shares = curve.map(({ extraStartShare }) => extraStartShare!);
    expect(shares).toEqual(shares.toSorted((one, other) => one - other));
    expect([shares[0], shares.at(-1)]).toEqual([0, 1]);
    expect(curve.at(-1)!.replyMs.p99).toBeLessThan(curve[0]!.replyMs.p99! / 2);
  });

  test('is nothing without runs', async () => {
    const none = whatIf(new ToldLog());
    const { replayed, confidence } = await none.under({ ...bounds, start: 'p90' });
    expect(replayed.replyMs).toEqual({ p50: null, p90: null, p99: null, 'p99.9': null });
    expect(replayed).toMatchObject({ extraStartShare: null, errors: 0 });
    expect(confidence).toMatchObject({ known: 0, drawn: 0, chance: { p99: { from: null, to: null } } });
  });

  test('leaves out runs whose times tell of people and outages, and counts them', () => {
    const log = new ToldLog();
    const at = 1_800_000_000_000;
    log.reply(20, { at });
    log.reply(20, { at, reply: { policy: 'all' } });
    log
      .run({ at })
      .started(0, 'a')
      .started(90, 'a')
      .succeeded(99, 'a')
      .replied(99, 'a')
      .skipped(99, 'b')
      .finished(99);
    log
      .run({ at })
      .started(0, 'a')
      .failed(5, 'a')
      .retrying(900, 'a')
      .started(900, 'a')
      .succeeded(905, 'a')
      .replied(905, 'a')
      .skipped(905, 'b')
      .finished(905);
    const reader = new RunReader(task);
    const runs = log.events.flatMap((event) => reader.read(event) ?? []);
    expect(runs.map(({ waitMs }) => waitMs)).toEqual([20]);
    expect(reader.leftOut).toBe(3);
  });

  test('counts streams by their first chunk, also that of a loser that was cut off behind it', async () => {
    const log = new ToldLog();
    const at = 1_800_000_000_000;
    const brought = (firstChunkMs: number) => ({ chunks: 1, bytes: 1, firstChunkMs });
    log
      .run({ at, subTasks: ['a', 'b'] })
      .started(0, 'a')
      .hedged(100, 'b')
      .succeeded(900, 'b', 1, brought(50))
      .cancelled(900, 'a', brought(400))
      .replied(900, 'b', 900, 150)
      .finished(900);
    const asked = whatIf(log);
    expect(asked.actual.replyMs.p50).toBe(150);
    const { replayed, confidence } = await asked.under({ ...bounds, start: '370ms' });
    expect([replayed.replyMs.p50, confidence.known]).toEqual([400, 1]);
  });
});
