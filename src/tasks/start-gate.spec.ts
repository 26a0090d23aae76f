import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { StartGate } from './start-gate.js';

describe('StartGate', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** What has passed so far. */
  function passing(...ready: (string | Promise<string>)[]): string[] {
    const gate = new StartGate();
    const passed: string[] = [];
    const add = (text: string): void => void passed.push(text);
    for (const one of ready)
      gate.pass(one).then(add, (error: unknown) => {
        add((error as Error).message);
      });
    return passed;
  }

  test('lets all pass in one turn when the last of them is ready, those that fail too', async () => {
    const last = Promise.withResolvers<string>();
    const passed = passing('first', Promise.reject(new Error('failed')), last.promise);
    await jest.advanceTimersByTimeAsync(999);
    expect(passed).toEqual([]);
    last.resolve('last');
    await Promise.resolve().then(() => jest.advanceTimersByTimeAsync(0));
    expect(passed.toSorted()).toEqual(['failed', 'first', 'last']);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('holds nobody back for longer than a second', async () => {
    const late = Promise.withResolvers<string>();
    const passed = passing('ready', late.promise);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(passed).toEqual(['ready']);
    late.resolve('late');
    await jest.advanceTimersByTimeAsync(0);
    expect(passed).toEqual(['ready', 'late']);
  });
});
