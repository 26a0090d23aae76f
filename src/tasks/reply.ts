import { filter, race, type OperatorFunction } from 'rxjs';
import type { JsonValue } from './json.js';
import type { ReplyPolicy } from './policies.js';
import type { Failure, Outcome, Reply } from './run.js';

type Success = Extract<Outcome, { status: 'succeeded' }>;
type NonSuccess = Exclude<Outcome, Success>;

/** A reply policy as numbers: whose outcomes count, how many successes meet it, how many others defeat it. */
interface Terms {
  readonly counts: (outcome: Outcome) => boolean;
  readonly successesToMeet: number;
  readonly othersToDefeat: number;
}

/**
 * The outcome that decides the reply, as a race over the outcomes of sub-tasks that are already running: enough
 * successes to meet the policy against enough other outcomes to make it impossible. Emits once.
 *
 * The source must be hot and bring one outcome for each of the `count` sub-tasks.
 */
export function decideBy(policy: ReplyPolicy, count: number): OperatorFunction<Outcome, Outcome> {
  const { counts, successesToMeet, othersToDefeat } = termsOf(policy, count);
  return (outcomes) =>
    race(
      outcomes.pipe(filter(nth(successesToMeet, (outcome) => isSuccess(outcome) && counts(outcome)))),
      outcomes.pipe(filter(nth(othersToDefeat, (outcome) => !isSuccess(outcome) && counts(outcome)))),
    );
}

/** What the caller is told, once `settled` has all outcomes up to the one that decided, in their order. */
export function replyOf(policy: ReplyPolicy, settled: readonly Outcome[]): Reply {
  const deciding = settled.at(-1);
  if (deciding && isSuccess(deciding)) return answer(policy, deciding, settled.filter(isSuccess));
  return {
    error: {
      code: settled.some(({ status }) => status === 'cancelled' || status === 'skipped')
        ? 'run-cancelled'
        : 'run-failed',
      message: `The reply policy ${policy.policy} can't be met any more`,
      failures: settled.filter(isNonSuccess).map(failure),
    },
  };
}

function termsOf(policy: ReplyPolicy, count: number): Terms {
  const all = () => true;
  switch (policy.policy) {
    case 'first-success':
      return { counts: all, successesToMeet: 1, othersToDefeat: count };
    case 'first-settled':
      return { counts: all, successesToMeet: 1, othersToDefeat: 1 };
    case 'primary':
      return { counts: ({ subTask }) => subTask === policy.primary, successesToMeet: 1, othersToDefeat: 1 };
    case 'quorum':
      return { counts: all, successesToMeet: policy.quorum, othersToDefeat: count - policy.quorum + 1 };
    case 'all':
      return { counts: all, successesToMeet: count, othersToDefeat: 1 };
    default:
      return policy satisfies never;
  }
}

function nth(n: number, matches: (outcome: Outcome) => boolean): (outcome: Outcome) => boolean {
  let seen = 0;
  return (outcome) => matches(outcome) && ++seen === n;
}

function isSuccess(outcome: Outcome): outcome is Success {
  return outcome.status === 'succeeded';
}

function isNonSuccess(outcome: Outcome): outcome is NonSuccess {
  return !isSuccess(outcome);
}

function answer({ policy }: ReplyPolicy, winner: Success, successes: readonly Success[]): Reply {
  if (policy !== 'quorum' && policy !== 'all') return { answeredBy: winner.subTask, result: winner.result };
  const result: Record<string, JsonValue> = {};
  for (const success of successes) result[success.subTask] = success.result;
  return { answeredBy: successes.map(({ subTask }) => subTask), result };
}

function failure(other: NonSuccess): Failure {
  return other.status === 'failed'
    ? { subTask: other.subTask, ...other.error }
    : { subTask: other.subTask, code: other.status, message: other.reason };
}
