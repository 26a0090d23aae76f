import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ProductLimit, type Observation } from './product-limit.js';

const observed = (kind: Observation['kind'], ...times: readonly number[]): Observation[] =>
  times.map((ms) => ({ ms, kind }));
const curveOf = (...observations: readonly Observation[][]) => new ProductLimit(observations.flat());

const ms = fc.integer({ min: 0, max: 50 });
const count = fc.integer({ min: 1, max: 5 });
const kind = fc.constantFrom<Observation['kind']>('answered', 'failed', 'cut');
const observations = fc.array(fc.record({ ms, kind, count }), { minLength: 1, maxLength: 40 });

describe('ProductLimit', () => {
  test('knows nothing of nothing', () => {
    const curve = curveOf();
    expect([curve.at(1_000), curve.quantile(0.5), curve.draw(0)]).toEqual([0, undefined, undefined]);
  });

  test('is what Kaplan and Meier make of their own example', () => {
    // J. Am. Stat. Assoc. 53 (1958), section 2: deaths at 0.8, 3.1, 5.4, 9.2 months, losses at 1.0, 2.7, 7.0, 12.1.
    const curve = curveOf(observed('answered', 0.8, 3.1, 5.4, 9.2), observed('cut', 1, 2.7, 7, 12.1));
    expect([0.8, 3.1, 5.4, 9.2].map((time) => 1 - curve.at(time))).toEqual(
      [7 / 8, 7 / 10, 21 / 40, 21 / 80].map((share) => expect.closeTo(share, 12)),
    );
  });

  test('takes failures for ends that bring nothing, also where others are cut behind them', () => {
    // Half of all fail at 1; half of the others are cut at 50, and all would succeed at 100.
    const failed = [{ ms: 1, kind: 'failed', count: 50 }] as const;
    const rest = [
      { ms: 50, kind: 'cut', count: 25 },
      { ms: 100, kind: 'answered', count: 25 },
    ] as const;
    const curve = new ProductLimit([...failed, ...rest]);
    expect([curve.at(99), curve.at(100)]).toEqual([0, 0.5]);
    expect([curve.quantile(0.5), curve.quantile(0.51)]).toEqual([100, undefined]);
  });

  test('does not take one for healthy that succeeds only where it is quick, and is cut where it is slow', () => {
    const curve = curveOf(observed('answered', 1), observed('cut', ...Array<number>(99).fill(20)));
    expect(curve.at(1_000)).toBe(0.01);
    expect(curve.quantile(0.5)).toBeUndefined();
  });

  test('takes one that is cut when another succeeds for one that would have taken longer', () => {
    expect(curveOf(observed('cut', 5), observed('answered', 5)).at(5)).toBe(0.5);
  });

  test('without cuts is the share that has succeeded', () => {
    fc.assert(
      fc.property(observations, ms, (all, time) => {
        const whole = all.filter((one) => one.kind !== 'cut');
        const sum = (ones: readonly Observation[]) =>
          ones.reduce((total, one) => total + (one.count ?? 1), 0);
        const by = whole.filter((one) => one.kind === 'answered' && one.ms <= time);
        expect(new ProductLimit(whole).at(time)).toBeCloseTo(sum(by) / Math.max(sum(whole), 1), 9);
      }),
    );
  });

  test('never falls, and stays between what it is if all that was cut never succeeds, and if it does at once', () => {
    fc.assert(
      fc.property(observations, (all) => {
        const curve = new ProductLimit(all);
        const as = (other: 'answered' | 'failed') =>
          new ProductLimit(all.map((one) => (one.kind === 'cut' ? { ...one, kind: other } : one)));
        const [worst, best] = [as('failed'), as('answered')];
        const faults = Array.from({ length: 52 }, (_, time) => time).filter((time) => {
          const share = curve.at(time);
          const isWithin = share >= worst.at(time) - 1e-9 && share <= best.at(time) + 1e-9;
          return !isWithin || share < curve.at(time - 1);
        });
        expect(faults).toEqual([]);
      }),
    );
  });

  test('expects a wait that is the area above it', () => {
    fc.assert(
      fc.property(observations, ms, (all, atMost) => {
        const curve = new ProductLimit(all);
        // All times are whole, so the curve is flat from one to the next.
        const area = Array.from({ length: atMost }, (_, time) => 1 - curve.at(time));
        expect(curve.expectedWait(atMost)).toBeCloseTo(
          area.reduce((sum, part) => sum + part, 0),
          9,
        );
      }),
    );
  });

  test('reaches a quantile at its time, and not before', () => {
    fc.assert(
      fc.property(observations, fc.double({ min: 0.001, max: 1, noNaN: true }), (all, share) => {
        const curve = new ProductLimit(all);
        const time = curve.quantile(share);
        expect(curve.at(time ?? Infinity) >= share - 1e-9).toBe(time !== undefined);
        if (time !== undefined) expect(curve.at(time - 0.5)).toBeLessThan(share);
      }),
    );
  });

  test('makes no difference between many that are the same and their count', () => {
    fc.assert(
      fc.property(observations, ms, (all, time) => {
        const singly = all.flatMap((one) =>
          Array<Observation>(one.count).fill({ ms: one.ms, kind: one.kind }),
        );
        expect(new ProductLimit(singly).at(time)).toBeCloseTo(new ProductLimit(all).at(time), 9);
      }),
    );
  });

  test('draws as many successes by any time as it says, of those that have not ended', () => {
    const draws = 1_000;
    fc.assert(
      fc.property(observations, fc.option(ms, { nil: undefined }), ms, (all, above, time) => {
        const curve = new ProductLimit(all);
        const drawn = Array.from({ length: draws }, (_, n) => curve.draw((n + 0.5) / draws, above));
        const successes = drawn.filter((end) => end?.kind === 'answered' && end.ms <= time).length;
        const ends = new ProductLimit(
          all.map((one) => (one.kind === 'failed' ? { ...one, kind: 'answered' } : one)),
        );
        const open = 1 - ends.at(above ?? -1);
        const share = open < 1e-9 ? 0 : Math.max(curve.at(time) - curve.at(above ?? -1), 0) / open;
        expect(Math.abs(successes / draws - share)).toBeLessThan(51 / draws);
        expect(drawn.every((end) => end === undefined || end.ms > (above ?? -1))).toBe(true);
      }),
    );
  });

  test('draws no end later than the last one that is known', () => {
    const curve = curveOf(observed('answered', 10), observed('failed', 20), observed('cut', 30));
    expect([0, 0.4, 0.6, 0.7].map((uniform) => curve.draw(uniform))).toEqual([
      { ms: 10, kind: 'answered' },
      { ms: 20, kind: 'failed' },
      { ms: 20, kind: 'failed' },
      undefined,
    ]);
    expect([curve.draw(0, 10), curve.draw(0, 20), curve.draw(0, 500)]).toEqual([
      { ms: 20, kind: 'failed' },
      undefined,
      undefined,
    ]);
  });
});
