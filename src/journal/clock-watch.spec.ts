import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ClockWatch } from './clock-watch.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('a watch of the clock', () => {
  let warn: jest.SpiedFunction<Logger['warn']>;
  beforeEach(() => {
    jest.useFakeTimers({ now: 1_000 * DAY_MS });
    warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
  });
  afterEach(() => {
    jest.useRealTimers();
    warn.mockRestore();
  });

  test.each([undefined, 999.1 * DAY_MS])('says before when something is too old: newest run %p', (newest) => {
    expect(new ClockWatch(newest).before(HOUR_MS)).toBe(1_000 * DAY_MS - HOUR_MS);
    expect(warn).not.toHaveBeenCalled();
  });

  test('takes nothing for old during an hour when it begins long after the newest run, and says so', () => {
    const watch = new ClockWatch(960 * DAY_MS);
    expect(warn.mock.calls).toEqual([
      [
        expect.stringMatching(
          /^The clock says 1972-09-27T00:00:00.000Z, 40 days after the newest run .* for an hour/,
        ),
      ],
    ]);
    expect(watch.before(HOUR_MS)).toBe(0);
    jest.advanceTimersByTime(HOUR_MS - 1);
    expect(watch.before(HOUR_MS)).toBe(0);
    jest.advanceTimersByTime(1);
    expect(watch.before(HOUR_MS)).toBe(1_000 * DAY_MS);
  });

  test('takes nothing for old during an hour when the clock leaps ahead, and once only says so', () => {
    const watch = new ClockWatch();
    jest.advanceTimersByTime(5 * DAY_MS);
    expect(watch.before(0)).toBe(1_005 * DAY_MS);
    jest.setSystemTime(1_045 * DAY_MS);
    expect([watch.before(0), watch.before(0)]).toEqual([0, 0]);
    expect(warn.mock.calls).toEqual([[expect.stringContaining('40 days later than it was a moment before')]]);
    jest.advanceTimersByTime(HOUR_MS);
    expect(watch.before(0)).toBe(1_045 * DAY_MS + HOUR_MS);
  });

  test('follows a clock that is set back', () => {
    const watch = new ClockWatch();
    jest.setSystemTime(900 * DAY_MS);
    expect(watch.before(0)).toBe(900 * DAY_MS);
  });
});
