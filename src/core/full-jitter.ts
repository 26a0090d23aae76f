import { fullJitterGenerator } from 'cockatiel';

/** Most doublings of the bound. More could make it exceed what a number holds. */
const MOST_DOUBLINGS = 50;

/**
 * A random wait between 0 and a bound that doubles with each failure: exponential backoff with full jitter.
 *
 * @param failures number of failures so far, at least 1
 * @param delayMs the bound after the first failure
 * @param maxDelayMs the bound that the doubling stops at
 * @returns milliseconds
 */
export function fullJitter(failures: number, delayMs: number, maxDelayMs: number): number {
  const [wait] = fullJitterGenerator(Math.min(failures, MOST_DOUBLINGS) - 1, {
    generator: fullJitterGenerator,
    exponent: 2,
    initialDelay: delayMs,
    maxDelay: maxDelayMs,
  });
  return wait;
}
