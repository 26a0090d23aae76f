import type { ReplyPolicy } from '../core/policies.js';
import { DurationHistogram } from './duration-histogram.js';
import type { TaskSlice } from './task-slice.js';

/** How many replies beyond the quantile are needed for a reliable value. */
const BEYOND = 10;
/** Bounds of how many replies are needed in all, whatever the quantile. */
const LEAST = 20;
const ENOUGH = 1_000;

/**
 * A quantile of how long callers waited for replies under a policy, or for the first chunk of a stream. It is taken from the newest slices that
 * together have enough replies.
 *
 * @param slices the newest first
 * @param quantile from 0 to 1
 * @returns milliseconds; undefined when all slices together have too few replies
 */
export function learntTime(
  slices: readonly TaskSlice[],
  policy: ReplyPolicy,
  quantile: number,
): number | undefined {
  const meaningful = Math.round(BEYOND / (1 - quantile));
  const least = Math.min(Math.max(meaningful, LEAST), ENOUGH);
  const enough = Math.max(meaningful, ENOUGH);
  const newest = [];
  let count = 0;
  for (const slice of slices) {
    const times = slice.timesUnder(policy);
    if (!times) continue;
    newest.push(times);
    count += times.count;
    if (count >= enough) break;
  }
  if (count < least) return undefined;
  const sum = new DurationHistogram();
  for (const { waits } of newest) sum.add(waits);
  return sum.valueAt(quantile);
}
