import type { Clock } from '../core/clock.js';
import { milliseconds, type Duration } from '../core/duration.js';

/**
 * Calls `call` a length of time after something happened; at once where that time is over.
 *
 * @param sinceMs how long ago it happened, in milliseconds
 * @returns the timer; undefined where the call was made at once
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
