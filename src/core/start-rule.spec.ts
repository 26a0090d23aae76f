import { describe, expect, test } from '@jest/globals';
import { startDelay, startOrderMisfit, startRuleSchema, type StartRule } from './start-rule.js';

describe('a start rule', () => {
  test.each([
    ['at-once', undefined],
    ['after-failure', undefined],
    ['after-failed-attempt', undefined],
    [{ after: '1.5s' }, { ms: 1_500 }],
    [{ after: '0ms' }, { ms: 0 }],
    [{ after: 'p95' }, { quantile: 0.95, coldStartMs: 100 }],
    [
      { after: 'p99.9', coldStart: '1s' },
      { quantile: 0.999, coldStartMs: 1_000 },
    ],
    [{ after: 'p0.5' }, { quantile: 0.005, coldStartMs: 100 }],
  ])('%j is a delay of %j', (rule, delay) => {
    const {
      ms,
      quantile = 0,
      ...rest
    } = (startDelay(startRuleSchema.parse(rule)) ?? {}) as Record<string, number>;
    if (!delay) expect([ms, quantile]).toEqual([undefined, 0]);
    else if ('ms' in delay) expect(ms).toBe(delay.ms);
    else
      expect([rest, quantile]).toEqual([
        { coldStartMs: delay.coldStartMs },
        expect.closeTo(delay.quantile, 10),
      ]);
  });

  test.each([
    'soon',
    { after: 'p0' },
    { after: 'p00' },
    { after: 'p0.0' },
    { after: 'p0.00' },
    { after: 'p100' },
    { after: 'p9.999' },
    { after: '150' },
    { after: '25d' },
    { after: 150 },
    { after: '1s', coldStart: '1s' },
    { after: 'p95', coldStart: 'p50' },
    {},
    undefined,
  ])('is not %j', (rule) => {
    expect(startRuleSchema.safeParse(rule).error?.issues).toEqual([
      expect.objectContaining({
        path: [],
        message: expect.stringMatching(/^takes "at-once", .* above p0 and below p100$/),
      }),
    ]);
  });
});

describe('the order of start rules', () => {
  const misfit = (...rules: StartRule[]) => startOrderMisfit(['A', 'B', 'C', 'D'], rules);
  const mend =
    'list first those that start at once, then those that start after a time, then those that start after a failed attempt, then those that start after a failure';

  test.each<[StartRule[]]>([
    [['at-once', 'at-once']],
    [
      [
        'at-once',
        { after: '0ms' },
        { after: '1s' },
        { after: '1000ms' },
        'after-failed-attempt',
        'after-failure',
      ],
    ],
    [['at-once', 'after-failed-attempt', 'after-failed-attempt', 'after-failure', 'after-failure']],
    [['at-once', { after: 'p50' }, { after: '10ms' }, { after: 'p95' }, { after: '20ms' }]],
  ])('fits: %j', (rules) => {
    expect(misfit(...rules)).toBeUndefined();
  });

  test.each<[StartRule[], string]>([
    [[{ after: '1s' }], 'no sub-task starts at once; let the first one do so'],
    [
      [{ after: '1s' }, 'at-once'],
      `B starts at once but stands behind A, which starts after a time; ${mend}`,
    ],
    [
      ['at-once', 'after-failure', { after: 'p50' }],
      `C starts after a time but stands behind B, which starts after a failure; ${mend}`,
    ],
    [
      ['at-once', 'after-failure', 'after-failed-attempt'],
      `C starts after a failed attempt but stands behind B, which starts after a failure; ${mend}`,
    ],
    [
      ['at-once', { after: '2s' }, { after: '1s' }],
      'C starts before B but stands behind it; list them in the order in which they start',
    ],
    [
      ['at-once', { after: 'p95' }, { after: '1s' }, { after: 'p90' }],
      'D starts before B but stands behind it; list them in the order in which they start',
    ],
  ])('does not fit: %j', (rules, message) => {
    expect(misfit(...rules)).toBe(message);
  });
});
