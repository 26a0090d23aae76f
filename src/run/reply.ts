import { filter, race, type OperatorFunction } from 'rxjs';
import type { JsonValue } from '../core/json.js';
import type { ReplyPolicy } from '../core/policies.js';
import type { Failure, Outcome, Reply } from '../core/run.js';

type Success = Extract<Outcome, { status: 'succeeded' }>;
type NonSuccess = Exclude<Outcome, Success>;

/** A reply policy as numbers: whose outcomes count, how many successes meet it, how many others defeat it. */
interface Terms {
  readonly counts: (subTask: string) => boolean;
  readonly successesToMeet: number;
  readonly othersToDefeat: number;
  /** How many others a failure is worth. Default 1. */
  readonly failureWeight?: number;
}

/**
 * The outcome that decides the reply, as a race over the outcomes of sub-tasks that are already running: enough
 * successes to meet the policy against enough other outcomes to make it impossible. Emits once.
 *
 * The source must be hot and bring one outcome for each of the `count` sub-tasks.
 */
export function decideBy(policy: ReplyPolicy, count: number): OperatorFunction<Outcome, Outcome> {
  const { counts, successesToMeet, othersToDefeat, failureWeight = 1 } = termsOf(policy, count);
  const success = (outcome: Outcome): number => (isSuccess(outcome) && counts(outcome.subTask) ? 1 : 0);
  const other = (outcome: Outcome): number => {
    if (isSuccess(outcome) || !counts(outcome.subTask)) return 0;
    return outcome.status === 'failed' ? failureWeight : 1;
  };
  return (outcomes) =>
    race(
      outcomes.pipe(filter(reaches(successesToMeet, success))),
      outcomes.pipe(filter(reaches(othersToDefeat, other))),
    );
}

/** Whether the reply may have the result of a sub-task in it. */
export function counts(policy: ReplyPolicy, subTask: string): boolean {
  return policy.policy !== 'primary' || policy.primary === subTask;
}

/**
 * Whether sub-tasks have to start for the policy to be met, because those that have started and go on are too few.
 *
 * @param settled the outcomes so far, which don't decide
 * @param goingOn the sub-tasks that have started and have no outcome
 */
export function needsMore(
  policy: ReplyPolicy,
  count: number,
  settled: readonly Outcome[],
  goingOn: readonly string[],
): boolean {
  const { counts, successesToMeet } = termsOf(policy, count);
  const successes = settled.filter((outcome) => isSuccess(outcome) && counts(outcome.subTask));
  return successes.length + goingOn.filter(counts).length < successesToMeet;
}

/** What the caller is told, once `settled` has all outcomes up to the one that decided, in their order. */
export function replyOf(policy: ReplyPolicy, settled: readonly Outcome[]): Reply {
  const deciding = settled.at(-1);
  if (deciding && isSuccess(deciding)) return answer(policy, deciding, settled.filter(isSuccess));
  const causes = decidesAlone(policy) ? settled.slice(-1) : settled;
  return {
    error: {
      code: causes.some(({ status }) => status === 'cancelled' || status === 'skipped')
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
      // What was cancelled or skipped has not settled by itself; it decides only where all were.
      return { counts: all, successesToMeet: 1, othersToDefeat: count, failureWeight: count };
    case 'primary':
      return { counts: (subTask) => counts(policy, subTask), successesToMeet: 1, othersToDefeat: 1 };
    case 'quorum':
      return { counts: all, successesToMeet: policy.quorum, othersToDefeat: count - policy.quorum + 1 };
    case 'all':
      return { counts: all, successesToMeet: count, othersToDefeat: 1 };
    default:
      return policy satisfies never;
  }
}

/** True for the outcome that brings the sum of the weights to `most` or over it, once. */
function reaches(most: number, weightOf: (outcome: Outcome) => number): (outcome: Outcome) => boolean {
  let sum = 0;
  return (outcome) => sum < most && (sum += weightOf(outcome)) >= most;
}

/** Whether one outcome decides, whatever became of the others before it. */
function decidesAlone({ policy }: ReplyPolicy): boolean {
  return policy === 'primary' || policy === 'first-settled';
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
