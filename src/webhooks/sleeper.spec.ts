import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { systemClock } from '../core/clock.js';
import { Sleeper } from './sleeper.js';

describe('a sleeper', () => {
  let sleeper: Sleeper;
  beforeEach(() => {
    useFakeClock();
    sleeper = new Sleeper(systemClock);
  });
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  /** @returns whether a sleep is over after so many milliseconds */
  const isOver = async (sleep: Promise<void>, ms = 0): Promise<boolean> => {
    let over = false;
    void sleep.then(() => (over = true));
    jest.advanceTimersByTime(ms);
    await nextTurn();
    return over;
  };

  test('sleeps as long as it was told', async () => {
    const sleep = sleeper.sleep(1_000);
    expect(await isOver(sleep, 999)).toBe(false);
    expect(await isOver(sleep, 1)).toBe(true);
  });

  test('gets up when it is woken', async () => {
    const sleep = sleeper.sleep(1_000);
    sleeper.wake(false);
    expect(await isOver(sleep)).toBe(true);
  });

  test('doesn’t sleep once where it was woken before, and then sleeps again', async () => {
    sleeper.wake(false);
    expect(await isOver(sleeper.sleep(1_000))).toBe(true);
    const sleep = sleeper.sleep(1_000);
    expect(await isOver(sleep, 999)).toBe(false);
    expect(await isOver(sleep, 1)).toBe(true);
  });

  test('sleeps through what wakes it before and meanwhile, and then sleeps as before', async () => {
    sleeper.wake(false);
    const sleep = sleeper.sleepThrough(1_000);
    sleeper.wake(false);
    expect(await isOver(sleep, 999)).toBe(false);
    expect(await isOver(sleep, 1)).toBe(true);
    const next = sleeper.sleep(1_000);
    expect(await isOver(next)).toBe(false);
    sleeper.wake(false);
    expect(await isOver(next)).toBe(true);
  });

  test('sleeps through nothing that is urgent', async () => {
    const sleep = sleeper.sleepThrough(1_000);
    sleeper.wake(true);
    expect(await isOver(sleep)).toBe(true);
  });
});
