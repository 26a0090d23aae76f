import { describe, expect, test } from '@jest/globals';
import { retryAfterMs } from './retry-after.js';

const NOW = Date.parse('1994-11-06T08:49:30Z');

describe('retryAfterMs', () => {
  test.each([
    ['3', 3_000],
    [' 0 ', 0],
    ['99999999999', 99_999_999_999_000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 7_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 7_000],
    ['Sun Nov  6 08:49:37 1994', 7_000],
    ['Sun, 06 Nov 1994 08:49:00 GMT', 0],
    ['-1', undefined],
    ['1.5', 2_000],
    ['0.1', 1_000],
    ['1.', undefined],
    ['1e3', undefined],
    ['soon', undefined],
    ['', undefined],
    ['Mon, 99 Xyz 1994 08:49:37 GMT', undefined],
    ['2 apples', undefined],
    ['1994-11-06', undefined],
    [undefined, undefined],
    [['1', '2'], undefined],
  ])('reads %j as %j milliseconds', (value, expected) => {
    expect(retryAfterMs(value, NOW)).toBe(expected);
  });
});
