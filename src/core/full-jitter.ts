import { fullJitterGenerator } from 'cockatiel';

/** The doubling ends where numbers do. */
const MOST_DOUBLINGS = 50;

/**
 * A wait that is drawn between 0 and a bound that doubles with each failure: exponential backoff with full jitter.
 *
 * @param failures how many there were; 1 at least
 * @param delayMs the bound behind the first
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
