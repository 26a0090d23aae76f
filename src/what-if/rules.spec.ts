import { describe, expect, test } from '@jest/globals';
import type { StartRule } from '../core/start-rule.js';
import { allBehindFirst, placed } from './rules.js';

describe('a rule for all behind the first', () => {
  test('is due at the quantile of the replies, or where none is known at what is declared for that', () => {
    const rules: StartRule[] = [{ after: 'p90' }, { after: 'p90', coldStart: '30ms' }, { after: '40ms' }];
    const delays = (quantileMs: (quantile: number) => number | undefined) =>
      placed(rules, quantileMs).map(({ delayMs }) => delayMs);
    expect(delays((quantile) => quantile * 100)).toEqual([90, 90, 40]);
    expect(delays(() => undefined)).toEqual([100, 30, 40]);
  });

  test('leaves the first where it is', () => {
    expect(allBehindFirst('after-failure', 3)).toEqual(['at-once', 'after-failure', 'after-failure']);
  });
});
