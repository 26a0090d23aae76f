import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { DatabaseClock } from './database-clock.js';

describe('DatabaseClock', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** An answer that took so long, from a database whose clock is so far ahead of this machine's. */
  const answer = (clock: DatabaseClock, aheadMs: number, tookMs: number): void => {
    const sentAt = performance.now();
    jest.advanceTimersByTime(tookMs / 2);
    const databaseMs = Date.now() + aheadMs;
    jest.advanceTimersByTime(tookMs / 2);
    clock.measured(databaseMs, sentAt, performance.now());
  };

  test('says this machine’s time until the database has told its own', () => {
    const clock = new DatabaseClock();
    jest.advanceTimersByTime(500);
    expect({ now: clock.now(), skewMs: clock.skewMs }).toEqual({ now: 1_000_500, skewMs: 0 });
  });

  test('follows the database, as exactly as the quickest answer', () => {
    const clock = new DatabaseClock();
    answer(clock, 300_000, 100);
    expect(Math.abs(clock.skewMs + 300_000)).toBeLessThanOrEqual(50);
    answer(clock, 300_000, 4);
    expect(Math.abs(clock.skewMs + 300_000)).toBeLessThanOrEqual(2);
    answer(clock, 300_000, 2_000);
    expect(Math.abs(clock.skewMs + 300_000)).toBeLessThanOrEqual(2);
  });

  test('doesn’t step with this machine’s clock, and says how far that is away', () => {
    const clock = new DatabaseClock();
    const before = clock.now();
    jest.setSystemTime(Date.now() - 60_000);
    jest.advanceTimersByTime(10);
    expect({ now: clock.now(), skewMs: clock.skewMs }).toEqual({ now: before + 10, skewMs: -60_000 });
  });
});
