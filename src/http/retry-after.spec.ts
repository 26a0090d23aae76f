import { describe, expect, test } from '@jest/globals';
import type { Failure } from '../core/run.js';
import { problem, type ProblemCode } from './problems.js';
import { retryAfterS } from './retry-after.js';

const NOW = Date.UTC(2026, 0, 1, 12);

describe('Retry-After', () => {
  const after = (
    failures: readonly Omit<Failure, 'message' | 'subTask'>[],
    code: ProblemCode = 'run-failed',
  ) =>
    retryAfterS(
      problem(code, '', {}, { failures: failures.map((one) => ({ subTask: 'a', message: '', ...one })) }),
      NOW,
    );
  const open = (ms: number) => ({ code: 'circuit-open', retryAt: new Date(NOW + ms).toISOString() }) as const;
  const probed = { code: 'circuit-open' } as const;
  const skipped = { code: 'skipped' } as const;
  const down = { code: 'upstream-unreachable' } as const;

  test('of a run that breakers refused is until the first of them lets an attempt through, in whole seconds', () => {
    expect(after([open(30_000), open(4_001), open(60_000)])).toBe(5);
    expect(after([open(4_000), skipped])).toBe(4);
  });

  test('is a second where that is past, or one of them is being probed', () => {
    expect([after([open(-5_000)]), after([open(300)]), after([open(30_000), probed])]).toEqual([1, 1, 1]);
  });

  test('is not there where another failure may be over at any time, or the input is for no sub-task', () => {
    expect([after([open(4_000), down]), after([down]), after([skipped])]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('is a second for what passes, and not there for other problems', () => {
    const codes = ['overloaded', 'run-cancelled', 'deadline-exceeded', 'run-disputed', 'not-found'] as const;
    expect(codes.map((code) => after([open(4_000)], code))).toEqual([1, 1, undefined, undefined, undefined]);
  });
});
