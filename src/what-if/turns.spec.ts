import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { Turns } from './turns.js';

describe('turns', () => {
  beforeEach(() => {
    useFakeClock();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('are taken by others after two milliseconds, and not before', async () => {
    const turns = new Turns();
    for (const [ms, isTaken] of [
      [1.9, false],
      [0.1, true],
      [1.9, false],
      [0.1, true],
    ] as const) {
      jest.advanceTimersByTime(ms);
      let hadTurn = false;
      const turn = new Promise<void>((resolve) => {
        setImmediate(() => {
          hadTurn = true;
          resolve();
        });
      });
      await turns.take();
      expect(hadTurn).toBe(isTaken);
      await turn;
    }
  });
});
