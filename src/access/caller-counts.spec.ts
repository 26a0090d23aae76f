import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { CallerCounts } from './caller-counts.js';

const WINDOW_MS = 60_000;

describe('CallerCounts', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('counts each caller on its own, and says which request is one too many', () => {
    const counts = new CallerCounts();
    const hit = (caller: string) => {
      const { totalHits, isBlocked } = counts.increment(caller, WINDOW_MS, 2);
      return { totalHits, isBlocked };
    };
    expect(hit('a')).toEqual({ totalHits: 1, isBlocked: false });
    expect(hit('a')).toEqual({ totalHits: 2, isBlocked: false });
    expect(hit('b')).toEqual({ totalHits: 1, isBlocked: false });
    expect(hit('a')).toEqual({ totalHits: 3, isBlocked: true });
  });

  test('begins again when the window of a caller is over, and says in how many seconds that is', () => {
    const counts = new CallerCounts();
    const hit = () => counts.increment('a', WINDOW_MS, 1);
    expect(hit()).toMatchObject({ isBlocked: false, timeToExpire: 60 });
    jest.advanceTimersByTime(WINDOW_MS - 1);
    expect(hit()).toMatchObject({ isBlocked: true, timeToExpire: 1 });
    jest.advanceTimersByTime(1);
    expect(hit()).toMatchObject({ totalHits: 1, isBlocked: false, timeToExpire: 60 });
  });

  test('remembers a bounded number of callers, and forgets those that haven’t called for longest', () => {
    const counts = new CallerCounts(4);
    const hit = (caller: string) => counts.increment(caller, WINDOW_MS, 1).totalHits;
    expect(hit('idle')).toBe(1);
    for (let flood = 0; flood < 100; flood += 1) {
      expect(hit('busy')).toBe(flood + 1);
      expect(hit(`new-${flood}`)).toBe(1);
    }
    expect(hit('idle')).toBe(1);
  });

  test('holds no timer', () => {
    new CallerCounts().increment('a', WINDOW_MS, 1);
    expect(jest.getTimerCount()).toBe(0);
  });
});
