import { describe, expect, test } from '@jest/globals';
import { durationSchema, MAX_DURATION_MS, milliseconds, type Duration } from './duration.js';

describe('milliseconds', () => {
  test.each<[Duration, number]>([
    ['250ms', 250],
    ['2s', 2_000],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
    [0, 0],
    [42, 42],
    [MAX_DURATION_MS, MAX_DURATION_MS],
  ])('reads %p as %p', (text, expected) => {
    expect(milliseconds(text)).toBe(expected);
  });

  test.each(['', '5', 'soon', '-1s', '25d', '1e3s', 'Infinity', -1, NaN, Infinity, MAX_DURATION_MS + 1])(
    'refuses %p and says what it takes',
    (value) => {
      expect(() => milliseconds(value as Duration)).toThrow(/is not a duration such as 250ms/);
    },
  );

  test('the schema for callers takes texts with a unit alone', () => {
    expect(durationSchema.safeParse('2s').success).toBe(true);
    expect(durationSchema.safeParse('2').success).toBe(false);
    expect(durationSchema.safeParse('30d').success).toBe(false);
    expect(durationSchema.safeParse(2).success).toBe(false);
  });
});
