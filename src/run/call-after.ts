import type { Clock } from '../core/clock.js';
import { milliseconds, type Duration } from '../core/duration.js';

/**
 * Calls `call` a length of time after something; at once where that is over.
 *
 * @param sinceMs how long ago it was, in milliseconds
 * @returns the timer, where there is one
 */
export function callAfter(
  clock: Clock,
  after: Duration,
  sinceMs: number,
  call: () => void,
): NodeJS.Timeout | undefined {
  const leftMs = milliseconds(after) - sinceMs;
  if (leftMs > 0) return clock.setTimeout(call, leftMs);
  call();
  return undefined;
}
