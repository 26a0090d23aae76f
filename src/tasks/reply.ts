import { filter, map, race, take, toArray, type Observable, type OperatorFunction } from 'rxjs';
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
 * The source must be hot and bring one outcome for each of `subTasks`.
 */
export function replyBy(policy: ReplyPolicy, subTasks: readonly string[]): OperatorFunction<Outcome, Reply> {
  const { counts, successesToMeet, othersToDefeat } = termsOf(policy, subTasks.length);
  return (outcomes: Observable<Outcome>) => {
    const counted = outcomes.pipe(filter(counts));
    const met = counted.pipe(filter(isSuccess), take(successesToMeet), toArray());
    const defeated = counted.pipe(filter(isNonSuccess), take(othersToDefeat), toArray());
    return race(
      met.pipe(map((successes) => answer(policy, successes))),
      defeated.pipe(map((others) => refusal(policy, others))),
    );
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

function isSuccess(outcome: Outcome): outcome is Success {
  return outcome.status === 'succeeded';
}

function isNonSuccess(outcome: Outcome): outcome is NonSuccess {
  return outcome.status !== 'succeeded';
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
