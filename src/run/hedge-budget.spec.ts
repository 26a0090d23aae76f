import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BUDGETED_RUNS, HedgeBudget } from './hedge-budget.js';

/** How many hedges each run of a task asks for, in turn. */
const demands = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 0, max: 4 })), { maxLength: 12 })
  .map((stretches) => stretches.flatMap(([runs, hedges]) => Array<number>(runs).fill(hedges)));

test('extra starts are never a larger share of the last 1,000 runs than was declared, nor less than that allows', () => {
  const percent = fc.integer({ min: 0, max: 40_000 });
  fc.assert(
    fc.property(demands, percent, (asked, hundredths) => {
      const budget = new HedgeBudget(hundredths / 10_000);
      const given: number[] = [];
      for (const hedges of asked) {
        budget.runBegan();
        given.push(0);
        for (let n = 0; n < hedges; n += 1) {
          const window = given.slice(-BUDGETED_RUNS);
          const starts = window.reduce((sum, count) => sum + count, 0);
          const allowed = (starts + 1) * 10_000 <= hundredths * window.length;
          if (budget.take() !== allowed) throw new Error(`${starts} of ${window.length}: ${!allowed}`);
          if (allowed) given[given.length - 1] = (given.at(-1) ?? 0) + 1;
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('there is none before there are enough runs: one in ten at 10 %', () => {
  const budget = new HedgeBudget(0.1);
  expect(budget.take()).toBe(false);
  const allowed = Array.from({ length: 20 }, () => {
    budget.runBegan();
    return budget.take();
  });
  expect(allowed.flatMap((taken, index) => (taken ? [index + 1] : []))).toEqual([10, 20]);
});

test('there is always one without a bound', () => {
  const budget = new HedgeBudget(Infinity);
  budget.runBegan();
  expect(Array.from({ length: 50 }, () => budget.take())).not.toContain(false);
});
