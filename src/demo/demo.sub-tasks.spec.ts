import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { parseConfig } from '../config/config.js';
import { DemoClock } from './demo.sub-tasks.js';

describe('DemoClock', () => {
  const clock = new DemoClock(parseConfig({ DEMO_TIME_SCALE: '0.001' }));
  const woken: number[] = [];
  const sleep = (seconds: number, signal = new AbortController().signal) =>
    clock.sleep(seconds, signal).then(() => woken.push(seconds));
  beforeEach(() => {
    woken.length = 0;
    jest.useFakeTimers();
  });
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  test('wakes sleepers when they are due', async () => {
    void sleep(5);
    void sleep(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(woken).toEqual([1]);
    await jest.advanceTimersByTimeAsync(4);
    expect(woken).toEqual([1, 5]);
  });

  test('wakes them in the order in which they are due, however late that is', async () => {
    for (const seconds of [1, 5, 3, 1, 5, 3]) void sleep(seconds);
    // The event loop is held up: no timer has fired for as long.
    jest.setSystemTime(Date.now() + 10);
    const now = performance.now();
    jest.spyOn(performance, 'now').mockReturnValue(now + 10);
    await jest.advanceTimersByTimeAsync(1);
    jest.restoreAllMocks();
    expect(woken).toEqual([1, 1, 3, 3, 5, 5]);
  });

  test('lets a sleeper end that is not wanted any more, and the others sleep on', async () => {
    const aborted = new AbortController();
    const first = sleep(1, aborted.signal).catch((error: unknown) => error);
    void sleep(3);
    aborted.abort(new Error('not needed'));
    expect(await first).toEqual(new Error('not needed'));
    await jest.advanceTimersByTimeAsync(3);
    expect(woken).toEqual([3]);
  });
});
