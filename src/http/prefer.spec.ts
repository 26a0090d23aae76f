import { describe, expect, test } from '@jest/globals';
import type { Response } from 'express';
import { applyWait, preferences, type Preferences } from './prefer.js';

const TERMS = { otherwiseMs: 700, mostMs: 2_000 };

describe('the preferences of a request', () => {
  test('are read once, however many quotes nothing ends', () => {
    const prefer = `wait=5, ${String.raw`\"`.repeat(500_000)}`;
    expect(preferences({ headers: { prefer }, url: '/', query: {} })).toEqual({ wait: 5 });
  });

  test('may have commas and quotes in quotes', () => {
    const prefer = String.raw`a="1, wait=2", b="\", wait=3", wait=4`;
    expect(preferences({ headers: { prefer }, url: '/', query: {} })).toEqual({ wait: 4 });
  });
});

describe('applyWait', () => {
  test.each<[string, Preferences, number, string | undefined]>([
    ['as long as is usual without a preference', {}, 700, undefined],
    ['as many seconds as are preferred', { wait: 1 }, 1_000, 'wait=1'],
    ['not at all with wait=0', { wait: 0 }, 0, 'wait=0'],
    ['no longer than is allowed', { wait: 1_000 }, 2_000, 'wait=2'],
    ['not at all with respond-async', { respondAsync: true }, 0, 'respond-async'],
    ['as long as the parameter says, which is told of by no header', { waitMs: 50, wait: 1 }, 50, undefined],
    ['no longer than is allowed by a parameter', { waitMs: 60_000 }, 2_000, undefined],
    [
      'as long as is preferred with respond-async too',
      { respondAsync: true, wait: 1 },
      1_000,
      'respond-async, wait=1',
    ],
  ])('waits %s, and says so', (_how, preferred, ms, applied) => {
    const headers = new Map<string, unknown>();
    const response = {
      setHeader: (name: string, value: unknown) => headers.set(name, value),
    } as unknown as Response;
    expect(applyWait(preferred, response, TERMS)).toBe(ms);
    expect(headers.get('Preference-Applied')).toBe(applied);
  });
});
