import { bufferCount, filter, map, race, take, type OperatorFunction } from 'rxjs';
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
 * The reply, as a race over the outcomes of sub-tasks that are already running: enough successes to meet the
 * policy against enough other outcomes to make it impossible. Emits once, at the first outcome that decides.
 *
 * The source must be hot and bring one outcome for each of the `count` sub-tasks.
 */
export function replyBy(policy: ReplyPolicy, count: number): OperatorFunction<Outcome, Reply> {
  const { counts, successesToMeet, othersToDefeat } = termsOf(policy, count);
  const isSuccess = (outcome: Outcome): outcome is Success =>
    outcome.status === 'succeeded' && counts(outcome);
  const isOther = (outcome: Outcome): outcome is NonSuccess =>
    outcome.status !== 'succeeded' && counts(outcome);
  return (outcomes) =>
    race(
      outcomes.pipe(
        filter(isSuccess),
        bufferCount(successesToMeet),
        map((successes) => answer(policy, successes)),
      ),
      outcomes.pipe(
        filter(isOther),
        bufferCount(othersToDefeat),
        map((others) => refusal(policy, others)),
      ),
    ).pipe(take(1));
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

function answer({ policy }: ReplyPolicy, successes: readonly Success[]): Reply {
  const [winner] = successes;
  if (winner && policy !== 'quorum' && policy !== 'all') {
    return { answeredBy: winner.subTask, result: winner.result };
  }
  const result: Record<string, JsonValue> = {};
  for (const success of successes) result[success.subTask] = success.result;
  return { answeredBy: successes.map(({ subTask }) => subTask), result };
}

function refusal({ policy }: ReplyPolicy, others: readonly NonSuccess[]): Reply {
  return {
    error: {
      code: others.every(({ status }) => status === 'failed') ? 'run-failed' : 'run-cancelled',
      message: `The reply policy ${policy} can't be met any more`,
      failures: others.map(failure),
    },
  };
}

function failure(other: NonSuccess): Failure {
  return other.status === 'failed'
    ? { subTask: other.subTask, ...other.error }
    : { subTask: other.subTask, code: other.status, message: other.reason };
}
