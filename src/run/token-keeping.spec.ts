import { describe, expect, test } from '@jest/globals';
import { OwnTokens } from './token-keeping.js';

describe('the withdrawn tokens of a process', () => {
  async function withdrawMany(tokens: OwnTokens, name: string, until: number): Promise<void> {
    for (let n = 0; n < 10_000; n += 1) await tokens.withdraw(`${name}${n}`, until);
  }

  test('are forgotten when they would have ended by themselves, to make room', async () => {
    let now = 0;
    const tokens = new OwnTokens(() => now);
    await withdrawMany(tokens, 'a', 1_000);
    now = 1_000;
    await tokens.withdraw('b', 2_000);
    expect(await tokens.isWithdrawn('b', 2_000)).toBe(true);
    expect(await tokens.isWithdrawn('a0', 1_000)).toBe(false);
    expect(await tokens.isWithdrawn('other', 1_500)).toBe(false);
  });

  test('take others along when there are too many: none that was withdrawn is good again', async () => {
    const tokens = new OwnTokens(() => 0);
    await withdrawMany(tokens, 'a', 1_000);
    await tokens.withdraw('b', 2_000);
    for (const [id, until] of [
      ['a0', 1_000],
      ['a9999', 1_000],
      ['b', 2_000],
      ['other', 900],
    ] as const)
      expect(await tokens.isWithdrawn(id, until)).toBe(true);
    expect(await tokens.isWithdrawn('later', 1_500)).toBe(false);
  });
});
