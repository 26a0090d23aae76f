import type { Clock } from '../core/clock.js';
import type { LosersPolicy } from '../core/policies.js';
import { NOT_NEEDED } from '../core/run.js';
import { callAfter } from './call-after.js';

/**
 * Does with the sub-tasks that are unfinished after the reply, or once callers are shown the stream of another, what the policy says.
 *
 * @param sinceReplyMs how long ago the reply was, in milliseconds
 * @returns the timer that cancels them later, where that is the policy
 */
export function releaseLosers(
  clock: Clock,
  run: { cancelLosers(reason: string): void },
  policy: LosersPolicy,
  sinceReplyMs: number,
): NodeJS.Timeout | undefined {
  if (policy === 'continue') return undefined;
  if (policy === 'cancel') {
    run.cancelLosers(NOT_NEEDED);
    return undefined;
  }
  const cancel = (): void => {
    run.cancelLosers(`unfinished ${policy.after} after the reply`);
  };
  return callAfter(clock, policy.after, sinceReplyMs, cancel);
}
