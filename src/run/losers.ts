import type { Clock } from '../core/clock.js';
import type { LosersPolicy } from '../core/policies.js';
import { NOT_NEEDED } from '../core/run.js';
import { callAfter } from './call-after.js';

/**
 * Does with the sub-tasks that are unfinished after the reply what the policy says.
 *
 * @param sinceReplyMs how long ago the reply was, in milliseconds
 * @returns the timer that cancels them later, where that is the policy
 */
export function releaseLosers(
  clock: Clock,
  run: { cancel(reason: string): void },
  policy: LosersPolicy,
  sinceReplyMs: number,
): NodeJS.Timeout | undefined {
  if (policy === 'continue') return undefined;
  if (policy === 'cancel') {
    run.cancel(NOT_NEEDED);
    return undefined;
  }
  const cancel = (): void => {
    run.cancel(`unfinished ${policy.after} after the reply`);
  };
  return callAfter(clock, policy.after, sinceReplyMs, cancel);
}
