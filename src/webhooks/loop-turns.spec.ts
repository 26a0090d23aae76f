import { expect, test } from '@jest/globals';
import { LoopTurns } from './loop-turns.js';

test('each that asks has a turn of the event loop of its own', async () => {
  let turn = 0;
  const count = (): void => {
    turn += 1;
    if (turn < 20) setImmediate(count);
  };
  setImmediate(count);
  const turns = new LoopTurns();
  const seen = await Promise.all([1, 2, 3].map(() => turns.next().then(() => turn)));
  expect(new Set(seen).size).toBe(3);
});
