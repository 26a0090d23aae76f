import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DamageWatch } from './damage-watch.js';
import { StoreError, storeDamage } from './sqlite/store-error.js';

/** What SQLite says of a page that is damaged, or that the disk can't read. */
const UNREAD = Object.assign(new Error('database disk image is malformed'), { errcode: 11 });

describe('what is said of damage', () => {
  let closing: AbortController;
  let watch: DamageWatch;
  beforeEach(() => {
    jest.useFakeTimers();
    for (const level of ['log', 'error'] as const) jest.spyOn(Logger.prototype, level).mockReturnValue();
    closing = new AbortController();
    watch = new DamageWatch((error) => storeDamage('runs.db', error), closing.signal);
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  /** A call that fails so often; counts how often it is made. */
  function failing(times: number, error: unknown = UNREAD) {
    return jest.fn(() => (times-- > 0 ? Promise.reject(error as Error) : Promise.resolve('read')));
  }

  test('a page that the disk can’t read once is read again, and nobody notices', async () => {
    expect(await watch.heed(failing(1))).toBe('read');
    expect(watch.obstacle).toBeUndefined();
  });

  test('new runs are refused while a page can’t be read, and taken again when it can', async () => {
    const call = failing(4);
    await expect(watch.heed(call)).rejects.toBe(UNREAD);
    expect(watch.obstacle).toMatchObject({ code: 'journal-unavailable' });
    expect(watch.isCertain).toBe(false);
    await expect(watch.heed(call)).rejects.toBe(UNREAD);
    await jest.advanceTimersByTimeAsync(5_000);
    expect([call.mock.calls.length, watch.obstacle]).toEqual([4, expect.anything()]);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(watch.obstacle).toBeUndefined();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(call).toHaveBeenCalledTimes(5);
  });

  test('a checksum that doesn’t fit is damage, which no repetition mends', async () => {
    const call = failing(Infinity, new StoreError('is damaged', 'damaged'));
    await expect(watch.heed(call)).rejects.toThrow('is damaged');
    expect(watch.isCertain).toBe(true);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(call).toHaveBeenCalledTimes(2);
  });

  test('nothing is tried again once the journal is closed, nor what failed for another reason', async () => {
    const full = failing(Infinity, Object.assign(new Error('full'), { errcode: 13 }));
    await expect(watch.heed(full)).rejects.toThrow('full');
    expect([full.mock.calls.length, watch.obstacle]).toEqual([1, undefined]);
    const unread = failing(Infinity);
    await expect(watch.heed(unread)).rejects.toBe(UNREAD);
    closing.abort();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(unread).toHaveBeenCalledTimes(2);
  });
});
