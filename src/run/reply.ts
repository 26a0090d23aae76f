import { filter, race, type OperatorFunction } from 'rxjs';
import type { StringValue } from 'ms';
import type { JsonValue } from '../core/json.js';
import type { ReplyPolicy } from '../core/policies.js';
import { agreesOrCannot, campsOf, type AgreementPolicy } from './agreement.js';
import {
  NOT_WORTH_IT,
  PAST_DEADLINE,
  WHEN_FALSE,
  type Failure,
  type Outcome,
  type Reply,
} from '../core/run.js';

type Success = Extract<Outcome, { status: 'succeeded' }>;
type NonSuccess = Exclude<Outcome, Success>;

/** A reply policy as numbers: whose outcomes count, how many successes meet it, how many others defeat it. */
interface Terms {
  readonly counts: (subTask: string) => boolean;
  readonly successesToMeet: number;
  readonly othersToDefeat: number;
  /** How many others a failure is worth. Default 1. */
  readonly failureWeight?: number;
  /** Whether others count as successes too, so that all are waited for; `ineligible`: those that `when` leaves out. Default: none. */
  readonly othersMeet?: 'all' | 'ineligible';
}

/**
 * The outcome that decides the reply, as a race over the outcomes of sub-tasks that are already running: enough
 * successes to meet the policy against enough other outcomes to make it impossible. Emits once.
 *
 * The source must be hot and bring one outcome for each of the `count` sub-tasks.
 */
export function decideBy(policy: ReplyPolicy, count: number): OperatorFunction<Outcome, Outcome> {
  if (policy.policy === 'agreement') return filter(agreesOrCannot(policy, count));
  const terms = termsOf(policy, count);
  const { counts, successesToMeet, othersToDefeat, failureWeight = 1 } = terms;
  const success = (outcome: Outcome): number => (meets(terms, outcome) ? 1 : 0);
  const other = (outcome: Outcome): number => {
    if (isSuccess(outcome) || !counts(outcome.subTask) || isLeftOut(terms, outcome)) return 0;
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
  if (policy.policy === 'agreement') {
    const [largest] = campsOf(policy, settled);
    return (largest?.subTasks.length ?? 0) + goingOn.length < policy.agreement;
  }
  const terms = termsOf(policy, count);
  const met = settled.filter((outcome) => meets(terms, outcome));
  return met.length + goingOn.filter(terms.counts).length < terms.successesToMeet;
}

/** How long after the start of its run a reply is made of what there is; undefined where no time makes it. */
export function deadlineOf(policy: ReplyPolicy): StringValue | undefined {
  return 'deadline' in policy ? policy.deadline : undefined;
}

/**
 * What the caller is told, once `settled` has all outcomes up to the one that decided, in their order.
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

/** What the caller is told when the deadline of the reply comes before the outcome that decides. For the parameters see {@link replyOf}. */
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

function termsOf(policy: Exclude<ReplyPolicy, AgreementPolicy>, count: number): Terms {
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
      return { counts: all, successesToMeet: count, othersToDefeat: 1, othersMeet: 'ineligible' };
    case 'deadline': {
      const othersToDefeat = count - leastOf(policy) + 1;
      return { counts: all, successesToMeet: count, othersToDefeat, othersMeet: 'all' };
    }
    default:
      return policy satisfies never;
  }
}

/** How many successes a reply takes that its deadline makes. */
function leastOf(policy: ReplyPolicy): number {
  return ('min' in policy ? policy.min : undefined) ?? 1;
}

function meets(terms: Terms, outcome: Outcome): boolean {
  const { counts, othersMeet } = terms;
  return (isSuccess(outcome) || othersMeet === 'all' || isLeftOut(terms, outcome)) && counts(outcome.subTask);
}

function isLeftOut({ othersMeet }: Terms, outcome: Outcome): boolean {
  return othersMeet === 'ineligible' && isIneligible(outcome);
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
  return policy === 'quorum' ? resultsOf(successes) : { answeredBy: winner.subTask, result: winner.result };
}

function resultsOf(successes: readonly Success[]) {
  const result: Record<string, JsonValue> = {};
  for (const success of successes) result[success.subTask] = success.result;
  return { answeredBy: namesOf(successes), result };
}

/** What enough results say, or that they contradict each other; undefined where too few succeeded for either. */
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

/** The results that there are, and the names of the sub-tasks that brought none. */
function partialAnswer(settled: readonly Outcome[], subTasks: readonly string[]): Reply {
  const missing = missingOf(settled, subTasks);
  return { ...resultsOf(settled.filter(isSuccess)), ...(missing.length > 0 && { missing }) };
}

function late(message: string, settled: readonly Outcome[], subTasks: readonly string[]): Reply {
  const missing = missingOf(settled, subTasks);
  return { error: { code: 'deadline-exceeded', message, failures: failuresOf(settled), missing } };
}

/** Those that brought no result, but for those that are not eligible. */
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

/** Whether its sub-task was left out, because `when` is false for the input. */
function isIneligible(outcome: Outcome): boolean {
  return outcome.status === 'skipped' && outcome.reason === WHEN_FALSE;
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
