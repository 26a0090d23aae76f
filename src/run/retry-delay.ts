import { fullJitterGenerator } from 'cockatiel';
import { JsonError } from '../core/json.js';
import type { SubTaskDefinition } from '../core/task.js';
import { isOneOf } from '../core/thrown.js';
import { retryTermsOf } from './attempt-error.js';

/**
 * How long to wait before the next attempt, in milliseconds: exponential backoff with full jitter, and no sooner than the
 * failure asks for; undefined when none follows.
 *
 * @param failures how many attempts have failed; attempts that the end of a process cut off don't count
 */
export function retryDelay(
  { retry, timeoutMs }: SubTaskDefinition,
  failures: number,
  thrown: unknown,
): number | undefined {
  if (failures >= retry.attempts) return undefined;
  const { retry: mayRetry, retryAfterMs = 0 } = retryTermsOf(thrown);
  if (mayRetry === false || isOneOf(thrown, [JsonError, ...retry.except])) return undefined;
  const [wait] = fullJitterGenerator(Math.min(failures, 50) - 1, {
    generator: fullJitterGenerator,
    exponent: 2,
    initialDelay: retry.delayMs,
    maxDelay: retry.maxDelayMs,
  });
  return Math.max(wait, Math.min(retryAfterMs, timeoutMs) || 0);
}
