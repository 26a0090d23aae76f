import type { JsonValue } from '../core/json.js';
import type { ReplyPolicy } from '../core/policies.js';
import { NOT_WORTH_IT, PAST_DEADLINE, type Failure, type Outcome, type Reply } from '../core/run.js';
import { campsOf, type AgreementPolicy } from './agreement.js';
import { deadlineOf, isIneligible, isSuccess, leastOf, type Success } from './reply.js';

type NonSuccess = Exclude<Outcome, Success>;

/**
 * The reply, once `settled` has all outcomes up to the one that decided, in their order.
 *
 * @param subTasks the names of all sub-tasks of the run
 */
export function replyOf(
  policy: ReplyPolicy,
  settled: readonly Outcome[],
  subTasks: readonly string[],
): Reply {
  const deciding = settled.at(-1);
  const successes = settled.filter(isSuccess);
  if (policy.policy === 'deadline') {
    if (successes.length >= leastOf(policy)) return partialAnswer(settled, subTasks);
  } else if (policy.policy === 'agreement') {
    const reply = agreed(policy, settled, subTasks.length);
    if (reply) return reply;
  } else if (policy.policy === 'all') {
    if (successes.length > 0 && settled.every((one) => isSuccess(one) || isIneligible(one)))
      return resultsOf(successes);
  } else if (deciding && isSuccess(deciding)) return answer(policy, deciding, successes);
  const causes = decidesAlone(policy) ? settled.slice(-1) : settled;
  if (causes.some(isPastDeadline))
    return late(
      `The reply policy ${policy.policy} was not met by the deadline of the run`,
      settled,
      subTasks,
    );
  return {
    error: {
      code: causes.some(isCutOff) ? 'run-cancelled' : 'run-failed',
      message: `The reply policy ${policy.policy} can't be met any more`,
      failures: failuresOf(settled),
    },
  };
}

/** The reply when its deadline comes before the outcome that decides. For the parameters see {@link replyOf}. */
export function replyAtDeadline(
  policy: ReplyPolicy,
  settled: readonly Outcome[],
  subTasks: readonly string[],
): Reply {
  const successes = settled.filter(isSuccess);
  const least = leastOf(policy);
  if (successes.length >= least) return partialAnswer(settled, subTasks);
  return late(
    `${successes.length} sub-tasks had succeeded ${String(deadlineOf(policy))} after the start, and the reply takes ${least}`,
    settled,
    subTasks,
  );
}

/** Whether one outcome alone decides, whatever the outcomes before it. */
function decidesAlone({ policy }: ReplyPolicy): boolean {
  return policy === 'primary' || policy === 'first-settled';
}

function isNonSuccess(outcome: Outcome): outcome is NonSuccess {
  return !isSuccess(outcome);
}

function answer({ policy }: ReplyPolicy, winner: Success, successes: readonly Success[]): Reply {
  return policy === 'quorum' ? resultsOf(successes) : { answeredBy: winner.subTask, result: winner.result };
}

function resultsOf(successes: readonly Success[]) {
  const result: Record<string, JsonValue> = {};
  for (const success of successes) result[success.subTask] = success.result;
  return { answeredBy: namesOf(successes), result };
}

/** The reply of enough equal results, or the error that they contradict each other; undefined where too few succeeded for either. */
function agreed(policy: AgreementPolicy, settled: readonly Outcome[], count: number): Reply | undefined {
  const camps = campsOf(policy, settled);
  const answeredBy = camps[0]?.subTasks ?? [];
  const first = settled.find(({ subTask }) => subTask === answeredBy[0]);
  if (first && isSuccess(first) && answeredBy.length >= policy.agreement)
    return { answeredBy, result: first.result };
  const failures = failuresOf(settled);
  if (count - failures.length < policy.agreement) return undefined;
  const message = `The results contradict each other: no ${policy.agreement} of them can be equal any more`;
  return { error: { code: 'run-disputed', message, failures, camps } };
}

/** A reply with the results so far, and the names of the sub-tasks without one. */
function partialAnswer(settled: readonly Outcome[], subTasks: readonly string[]): Reply {
  const missing = missingOf(settled, subTasks);
  return { ...resultsOf(settled.filter(isSuccess)), ...(missing.length > 0 && { missing }) };
}

function late(message: string, settled: readonly Outcome[], subTasks: readonly string[]): Reply {
  const missing = missingOf(settled, subTasks);
  return { error: { code: 'deadline-exceeded', message, failures: failuresOf(settled), missing } };
}

/** The sub-tasks without a result, except those that are not eligible. */
function missingOf(settled: readonly Outcome[], subTasks: readonly string[]): string[] {
  const expected = settled.filter((outcome) => isSuccess(outcome) || isIneligible(outcome));
  const names = namesOf(expected);
  return subTasks.filter((name) => !names.includes(name));
}

function namesOf(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(({ subTask }) => subTask);
}

function isCutOff(outcome: Outcome): boolean {
  return 'reason' in outcome && outcome.reason !== NOT_WORTH_IT && !isIneligible(outcome);
}

function isPastDeadline(outcome: Outcome): boolean {
  return 'reason' in outcome && outcome.reason === PAST_DEADLINE;
}

function failuresOf(settled: readonly Outcome[]): Failure[] {
  return settled.filter(isNonSuccess).map(failure);
}

function failure(other: NonSuccess): Failure {
  return other.status === 'failed'
    ? { subTask: other.subTask, ...other.error }
    : { subTask: other.subTask, code: other.status, message: other.reason };
}
