import { describe, expect, test } from '@jest/globals';
import { Waits } from './waits.js';

const upTo = (count: number) => new Waits(Array.from({ length: count }, (_, index) => count - index));

describe('how long callers waited', () => {
  test('is the wait that the rest of them exceeds, whatever floating point makes of its rank', () => {
    const waits = upTo(100);
    expect([0.28, 0.5, 0.57, 0.999].map((quantile) => waits.at(quantile))).toEqual([28, 50, 57, 100]);
    expect(new Waits([20.06, 7]).times).toEqual({ p50: 7, p90: 20.1, p99: 20.1, 'p99.9': 20.1 });
  });

  test('lies between the ranks that chance allows with a certainty of 95 %, where there are as many', () => {
    expect(upTo(1_000).chance).toEqual({
      p50: { from: 469, to: 532 },
      p90: { from: 881, to: 920 },
      p99: { from: 983, to: 998 },
      'p99.9': { from: 997, to: null },
    });
    expect(upTo(3).chance.p50).toEqual({ from: null, to: null });
  });
});
