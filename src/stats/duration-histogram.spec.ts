import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAX_DURATION_MS } from '../core/duration.js';
import { DurationHistogram } from './duration-histogram.js';

/** Durations as events have them, from nothing to the longest, in tenths of milliseconds; most of them short. */
const durations = fc.array(
  fc
    .oneof(
      fc.integer({ max: 1_000 }),
      fc.integer({ max: 100_000 }),
      fc.integer({ max: MAX_DURATION_MS * 10 }),
    )
    .map((tenths) => Math.abs(tenths) / 10),
  { minLength: 1, maxLength: 200 },
);
const quantile = fc.double({ min: 0.001, max: 1, noNaN: true });

const histogramOf = (values: readonly number[]): DurationHistogram => {
  const histogram = new DurationHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
};

const QUANTILES = [0.01, 0.1, 0.5, 0.9, 0.99, 1];
const shown = (histogram: DurationHistogram) => [
  histogram.count,
  ...QUANTILES.map((q) => histogram.valueAt(q)),
];

describe('DurationHistogram', () => {
  test('says of any quantile what it is, or at most 1 % more', () => {
    fc.assert(
      fc.property(durations, quantile, (values, q) => {
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(q * sorted.length - 1e-9) - 1)]!;
        const said = histogramOf(values).valueAt(q)!;
        expect(said).toBeGreaterThanOrEqual(exact);
        expect(said).toBeLessThanOrEqual(exact * 1.008 + 1e-9);
      }),
    );
  });

  test('says what no larger share of the values exceeds than was asked for, whole tenths or not', () => {
    const values = fc.array(fc.double({ min: 0, max: 10_000, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, quantile, (durations, q) => {
        const said = histogramOf(durations).valueAt(q)!;
        const beyond = durations.filter((value) => value > said).length;
        expect(beyond).toBeLessThanOrEqual((1 - q) * durations.length + 1e-9);
      }),
    );
  });

  test('keeps up to 25 milliseconds exactly, to the tenth', () => {
    for (const value of [0, 0.1, 1.1, 4.6, 12.3, 24.9]) expect(histogramOf([value]).valueAt(1)).toBe(value);
  });

  test('adds up to the same, in whatever order', () => {
    fc.assert(
      fc.property(durations, durations, durations, (a, b, c) => {
        const whole = histogramOf([...a, ...b, ...c]);
        const left = histogramOf(a);
        left.add(histogramOf(b));
        left.add(histogramOf(c));
        const right = histogramOf(c);
        right.add(histogramOf(b));
        const sum = new DurationHistogram();
        sum.add(right);
        sum.add(histogramOf(a));
        sum.add(new DurationHistogram());
        expect(shown(left)).toEqual(shown(whole));
        expect(shown(sum)).toEqual(shown(whole));
      }),
    );
  });

  test('comes back from its text as it was, and goes on', () => {
    fc.assert(
      fc.property(durations, durations, (before, after) => {
        const restored = DurationHistogram.of(histogramOf(before).toText());
        expect(shown(restored)).toEqual(shown(histogramOf(before)));
        for (const value of after) restored.record(value);
        expect(shown(restored)).toEqual(shown(histogramOf([...before, ...after])));
      }),
    );
  });

  test('has no value while it is empty, also from its text', () => {
    for (const histogram of [new DurationHistogram(), DurationHistogram.of(new DurationHistogram().toText())])
      expect([histogram.count, histogram.valueAt(0.5)]).toEqual([0, undefined]);
  });

  test('takes what a clock that was set made of a duration as the nearest there can be', () => {
    expect(histogramOf([-5]).valueAt(1)).toBe(0);
    expect(histogramOf([1e15]).valueAt(1)).toBeCloseTo(MAX_DURATION_MS, -8);
  });

  test('refuses a text that is none of its own', () => {
    expect(() => DurationHistogram.of('text')).toThrow();
  });
});
