import { describe, expect, test } from '@jest/globals';
import { RecentTimes } from './recent-times.js';

describe('RecentTimes', () => {
  test('says nothing of no times', () => {
    expect(new RecentTimes().quantiles()).toEqual({ count: 0, p50: null, p90: null, p99: null });
  });

  test('says what half, nine in ten and all but one in a hundred took at most, to the hundredth of a millisecond', () => {
    const times = new RecentTimes();
    for (let n = 100; n > 0; n -= 1) times.add(n + 0.004);
    expect(times.quantiles()).toEqual({ count: 100, p50: 50, p90: 90, p99: 99 });
  });

  test('forgets all but the last 512', () => {
    const times = new RecentTimes();
    times.add(1_000);
    for (let n = 0; n < 512; n += 1) times.add(1);
    expect(times.quantiles()).toEqual({ count: 512, p50: 1, p90: 1, p99: 1 });
  });
});
