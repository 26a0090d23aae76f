import { fullJitter } from '../core/full-jitter.js';
import { JsonError } from '../core/json.js';
import type { SubTaskDefinition } from '../core/task.js';
import { isOneOf } from '../core/thrown.js';
import { retryTermsOf } from './attempt-error.js';

/** What follows a failed attempt: another attempt after `delayMs`, or none. `note` adds the reason to the message of the failure. */
interface Retry {
  readonly delayMs?: number;
  readonly note?: string;
}

const NONE: Retry = {};

/**
 * When the next attempt begins: exponential backoff with full jitter, but not before the time that the failure asks for. None follows a failure that asks for
 * more than `retry.maxWait`, or where the run would be over by then.
 *
 * @param definition undefined where no attempt may follow
 * @param failures how many attempts have failed; attempts that the end of a process cut off don't count
 * @param leftMs until the deadline of the run
 */
export function retryAfter(
  definition: Pick<SubTaskDefinition, 'retry'> | undefined,
  failures: number,
  thrown: unknown,
  leftMs: number,
): Retry {
  if (!definition || failures >= definition.retry.attempts) return NONE;
  const { retry } = definition;
  const { retry: mayRetry, retryAfterMs = 0, final } = retryTermsOf(thrown);
  if (mayRetry === false || final || isOneOf(thrown, [JsonError, ...retry.except])) return NONE;
  if (retryAfterMs > retry.maxWaitMs)
    return { note: `; the wait that it asks for is longer than retry.maxWait, ${retry.maxWaitMs} ms` };
  const wait = fullJitter(failures, retry.delayMs, retry.maxDelayMs);
  const delayMs = Math.max(wait, retryAfterMs || 0);
  if (delayMs >= leftMs) return { note: '; the next attempt would come after the deadline of the run' };
  return { delayMs };
}
