import { beforeEach, describe, expect, test } from '@jest/globals';
import { FakeClock } from '../testing/fake-clock.js';
import { StreamHold } from './stream-hold.js';

describe('a reader that takes no more', () => {
  let clock: FakeClock;
  let held: number;
  let isLive: boolean;
  let hold: StreamHold;
  beforeEach(() => {
    clock = new FakeClock();
    [held, isLive] = [0, true];
    const run = {
      holdStream: (by: number) => {
        held += by;
      },
    };
    hold = new StreamHold(() => (isLive ? run : undefined), clock);
  });
  const pass = (ms: number) => clock.advance(ms, () => Promise.resolve());

  test('lets the upstream wait until it has all again', async () => {
    hold.begin();
    hold.begin();
    await pass(9_999);
    expect(held).toBe(1);
    hold.release();
    expect(held).toBe(0);
    await pass(20_000);
    expect(held).toBe(0);
  });

  test('is left behind after ten seconds, until it has all again', async () => {
    hold.begin();
    await pass(10_000);
    expect(held).toBe(0);
    hold.begin();
    expect(held).toBe(0);
    hold.release();
    hold.begin();
    expect(held).toBe(1);
  });

  test('holds nothing of a run that another node has', () => {
    isLive = false;
    hold.begin();
    hold.release();
    expect(held).toBe(0);
    expect(clock.nextInMs).toBeUndefined();
  });
});
