import { jest } from '@jest/globals';

/** Lets time stand still until a test advances it. Ticks, microtasks and immediates go on. @param now in milliseconds since 1970 */
export function useFakeClock(now?: number): void {
  jest.useFakeTimers({
    ...(now !== undefined && { now }),
    doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'],
  });
}
