import { filter, race, type OperatorFunction } from 'rxjs';
import type { StringValue } from 'ms';
import type { ReplyPolicy } from '../core/policies.js';
import { WHEN_FALSE, type Outcome } from '../core/run.js';
import { agreesOrCannot, campsOf, type AgreementPolicy } from './agreement.js';

export type Success = Extract<Outcome, { status: 'succeeded' }>;

/** A reply policy as numbers: whose outcomes count, how many successes meet it, how many others defeat it. */
interface Terms {
  readonly counts: (subTask: string) => boolean;
  readonly successesToMeet: number;
  readonly othersToDefeat: number;
  /** How many other outcomes a failure counts for. Default 1. */
  readonly failureWeight?: number;
  /** Which other outcomes count as successes: all of them, so that every outcome is waited for, or those of sub-tasks that `when` leaves out. Default: none. */
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

/** Whether the reply may contain the result of a sub-task. */
export function counts(policy: ReplyPolicy, subTask: string): boolean {
  return policy.policy !== 'primary' || policy.primary === subTask;
}

/**
 * Whether held sub-tasks have to start for the policy to be met, because the running ones are too few.
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

/** How long after the run's start the reply is made of the outcomes so far; undefined where the policy has no deadline. */
export function deadlineOf(policy: ReplyPolicy): StringValue | undefined {
  return 'deadline' in policy ? policy.deadline : undefined;
}

function termsOf(policy: Exclude<ReplyPolicy, AgreementPolicy>, count: number): Terms {
  const all = () => true;
  switch (policy.policy) {
    case 'first-success':
      return { counts: all, successesToMeet: 1, othersToDefeat: count };
    case 'first-settled':
      // A cancelled or skipped sub-task has not settled by itself. It decides only if all were cancelled or skipped.
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

/** How many successes a reply needs that is made at its deadline. */
export function leastOf(policy: ReplyPolicy): number {
  return ('min' in policy ? policy.min : undefined) ?? 1;
}

function meets(terms: Terms, outcome: Outcome): boolean {
  const { counts, othersMeet } = terms;
  return (isSuccess(outcome) || othersMeet === 'all' || isLeftOut(terms, outcome)) && counts(outcome.subTask);
}

function isLeftOut({ othersMeet }: Terms, outcome: Outcome): boolean {
  return othersMeet === 'ineligible' && isIneligible(outcome);
}

/** Returns true once: for the outcome that brings the sum of weights to at least `most`. */
function reaches(most: number, weightOf: (outcome: Outcome) => number): (outcome: Outcome) => boolean {
  let sum = 0;
  return (outcome) => sum < most && (sum += weightOf(outcome)) >= most;
}

export function isSuccess(outcome: Outcome): outcome is Success {
  return outcome.status === 'succeeded';
}

/** Whether the sub-task was left out because its `when` is false for the input. */
export function isIneligible(outcome: Outcome): boolean {
  return outcome.status === 'skipped' && outcome.reason === WHEN_FALSE;
}
