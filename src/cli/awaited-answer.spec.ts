import { describe, expect, test } from '@jest/globals';
import { pauseMs } from './awaited-answer.js';

describe('the pause before a request is sent again', () => {
  test.each<[string, string | null | undefined, number, number]>([
    ['is a second where the service says nothing', null, 0, 1_000],
    ['is a second where there was no answer', undefined, 0, 1_000],
    ['is what the service says', '7', 0, 7_000],
    ['is never none', '0', 0, 100],
    ['is a minute at most', '99999999999', 0, 60_000],
    ['is a second where the service says a date', 'Wed, 21 Oct 2026 07:28:00 GMT', 0, 1_000],
    ['is what the answer has left of it', '1', 300, 700],
    ['is none behind an answer that took long', '1', 60_000, 0],
  ])('%s', (_title, retryAfter, tookMs, expected) => {
    expect(pauseMs(retryAfter, tookMs)).toBe(expected);
  });
});
