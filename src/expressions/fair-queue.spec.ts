import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { FairQueue } from './fair-queue.js';

describe('FairQueue', () => {
  const [slow, quick] = [{}, {}];
  let queue: FairQueue<string>;

  beforeEach(() => {
    jest.useFakeTimers();
    queue = new FairQueue();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  function take(ms: number): string | undefined {
    const job = queue.dequeue();
    jest.advanceTimersByTime(ms);
    return job;
  }

  test('lets one job that takes long go before the quick ones of another owner, not all of them', () => {
    for (const job of ['slow 1', 'slow 2', 'slow 3']) queue.enqueue(slow, job);
    for (const job of ['quick 1', 'quick 2']) queue.enqueue(quick, job);
    expect([take(1_000), take(1), take(1), take(1_000), take(1_000), take(0)]).toEqual([
      'slow 1',
      'quick 1',
      'quick 2',
      'slow 2',
      'slow 3',
      undefined,
    ]);
    expect(queue.isEmpty).toBe(true);
  });

  test('gives the turn to those who wait when more of the same owner come', () => {
    queue.enqueue(slow, 'slow 1');
    queue.enqueue(quick, 'quick 1');
    expect(take(1_000)).toBe('slow 1');
    queue.enqueue(slow, 'slow 2');
    expect(take(1)).toBe('quick 1');
  });

  test('ends the turn of an owner whose many quick jobs take long together', () => {
    for (let job = 1; job <= 4; job += 1) queue.enqueue(quick, `quick ${job}`);
    queue.enqueue(slow, 'slow');
    expect([take(50), take(50), take(50)]).toEqual(['quick 1', 'quick 2', 'slow']);
  });
});
