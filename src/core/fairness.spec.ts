import { describe, expect, test } from '@jest/globals';
import { fairnessOf, runKeyOf } from './fairness.js';

const keyOf = (concurrencyKey: string, input: string | null, clientId?: string) =>
  runKeyOf(fairnessOf({ concurrencyKey }, undefined), input, null, { clientId });

describe('The key of a run', () => {
  test('has the name of the client, which stays when it gets another key', () => {
    expect(keyOf('{client}', null, 'ada:one')).toBe('["ada"]');
    expect(keyOf('{client}', null, 'ada:two')).toBe('["ada"]');
    expect(keyOf('{client}', null)).toBeUndefined();
  });

  test('is short, and another one for another value, however long that is', () => {
    const long = 'x'.repeat(100_000);
    const [one, other] = [keyOf('{input}', `${long}1`), keyOf('{input}', `${long}2`)];
    expect(one).toHaveLength(195);
    expect(one).not.toBe(other);
    expect(keyOf('{input}', `${long}1`)).toBe(one);
    expect(keyOf('{input}', 'x'.repeat(196))).toHaveLength(200);
  });

  test('is none where the task has no template', () => {
    expect(runKeyOf(undefined, 'x', { tenant: 'acme' }, { clientId: 'ada:one' })).toBeUndefined();
  });
});
