import { milliseconds } from '../core/duration.js';
import type { StartCause } from '../core/events.js';
import type { ReplyPolicy } from '../core/policies.js';
import { PAST_DEADLINE, type Outcome } from '../core/run.js';
import type { StartRule } from '../core/start-rule.js';
import type { HedgeBudget } from '../run/hedge-budget.js';
import { LaterStarts, NOTHING, type LaterSubTask, type StartingRun } from '../run/later-starts.js';
import { Outcomes } from '../run/outcomes.js';
import { deadlineOf } from '../run/reply.js';
import type { EndOf } from './ends.js';
import type { End, RecordedRun, RecordedSubTask } from './recorded-run.js';
import { ReplayClock } from './replay-clock.js';

/** Events have times in whole milliseconds. So a replay is beyond its record only if it is so by more than this. */
const PRECISION_MS = 1;

/** The start rule of a sub-task, with a time in place of a quantile. */
export interface PlacedRule {
  readonly rule: Extract<StartRule, string> | 'after-delay';
  readonly delayMs: number;
}

/** The settings of a replay. */
export interface ReplayTerms {
  readonly reply: ReplyPolicy;
  /** By the position of the sub-task in its run. */
  readonly rules: readonly PlacedRule[];
  readonly budget: HedgeBudget;
  readonly endOf: EndOf;
}

/** The result of a replay. */
export interface Replayed {
  /** How long the caller waits, in milliseconds. */
  readonly waitMs: number;
  readonly failed: boolean;
  readonly extraStarts: number;
  readonly heldBack: number;
  /** Whether all times that decided the result are recorded, and not guessed. */
  readonly known: boolean;
}

/**
 * Replays a run: it does what a live run would do with the same ends of sub-tasks. It uses the live runs' code to start sub-tasks, and to
 * make the reply.
 */
export function replay(run: RecordedRun, terms: ReplayTerms): Replayed {
  return new ReplayedRun(run, terms).replay();
}

class ReplayedRun implements StartingRun {
  readonly clock = new ReplayClock();
  readonly execution = { clock: this.clock };
  readonly subTasks: readonly ReplayedSubTask[];
  readonly outcomeIsUncommitted = false;
  private readonly outcomes: Outcomes;
  private readonly later: LaterStarts;

  constructor(
    private readonly run: RecordedRun,
    { reply, rules, budget, endOf }: ReplayTerms,
  ) {
    this.subTasks = run.subTasks.map((recorded) => new ReplayedSubTask(this, recorded, endOf(run, recorded)));
    const names = run.subTasks.map(({ name }) => name);
    this.outcomes = new Outcomes(comparable(reply), names);
    budget.runBegan();
    this.subTasks.forEach((subTask, place) => {
      if (subTask.recorded.barred !== undefined) subTask.cancel(subTask.recorded.barred);
      else if (rules[place]?.rule === 'at-once') subTask.start({}, place > 0);
    });
    const held = this.subTasks.flatMap((subTask, place) => {
      const { rule, delayMs = 0 } = rules[place] ?? {};
      const dueMs = (): number | undefined => (rule === 'after-delay' ? delayMs : undefined);
      return subTask.phase === 'held'
        ? [{ subTask, dueMs, afterAttempt: rule === 'after-failed-attempt' }]
        : [];
    });
    this.later = new LaterStarts(this, held, budget, 0, NOTHING);
    this.watchDeadlines(reply);
  }

  get needsMore(): boolean {
    const going = this.subTasks.filter(({ phase }) => phase === 'running');
    return this.outcomes.needsMore(going.map(({ name }) => name));
  }

  replay(): Replayed {
    const { clock, outcomes, subTasks, run } = this;
    this.later.update();
    while (!outcomes.decided && clock.step());
    const reply = outcomes.decision([])?.reply;
    return {
      waitMs: clock.elapsed() + run.overheadMs,
      failed: !reply || 'error' in reply,
      extraStarts: subTasks.filter(({ isExtra }) => isExtra).length,
      heldBack: subTasks.filter(({ isHeldBack }) => isHeldBack).length,
      known: subTasks.every((subTask) => subTask.isKnown),
    };
  }

  /** Called when an attempt has begun. This may start other sub-tasks, like any event. */
  begun(): void {
    this.later.update();
  }

  /** Called when an attempt has failed and another follows. */
  stumbled(stumble: RecordedSubTask['stumbles'][number]): void {
    this.later.note(stumble.event);
    this.later.update();
  }

  settle(outcome: Outcome, failure?: End['failure']): void {
    this.outcomes.settle(outcome);
    if (this.outcomes.decided) return;
    if (failure) this.later.note(failure);
    this.later.update();
  }

  private watchDeadlines(policy: ReplyPolicy): void {
    const ofReply = deadlineOf(policy);
    if (ofReply !== undefined)
      this.clock.setTimeout(() => {
        this.outcomes.replyNow();
      }, milliseconds(ofReply));
    const { deadlineMs } = this.run;
    if (deadlineMs !== undefined)
      this.clock.setTimeout(() => {
        for (const subTask of this.subTasks) subTask.cancel(PAST_DEADLINE);
      }, deadlineMs);
  }
}

class ReplayedSubTask implements LaterSubTask {
  readonly name: string;
  phase: LaterSubTask['phase'] = 'held';
  isExtra = false;
  isHeldBack = false;
  private beganAt: number | undefined;

  constructor(
    private readonly owner: ReplayedRun,
    readonly recorded: RecordedSubTask,
    private readonly end: End,
  ) {
    this.name = recorded.name;
  }

  /** Whether the sub-task ran for no longer than its record shows. */
  get isKnown(): boolean {
    const { recorded, beganAt = Infinity, owner } = this;
    return recorded.end !== undefined || owner.clock.elapsed() - beganAt <= recorded.cutMs + PRECISION_MS;
  }

  /** @param isExtra whether the sub-task starts without need */
  start({ trigger }: StartCause, isExtra = trigger === 'delay'): void {
    if (this.phase !== 'held') return;
    const { owner, recorded, end } = this;
    const beganAt = owner.clock.elapsed() + recorded.lagMs;
    this.phase = 'running';
    this.isExtra = isExtra;
    this.beganAt = beganAt;
    owner.clock.at(beganAt, () => {
      owner.begun();
    });
    for (const stumble of recorded.stumbles)
      owner.clock.at(beganAt + stumble.ms, () => {
        if (this.phase === 'running') owner.stumbled(stumble);
      });
    owner.clock.at(beganAt + end.ms, () => {
      if (this.phase === 'running') this.settle(outcomeOf(this.name, end), end.failure);
    });
  }

  cancel(reason: string): void {
    if (this.phase === 'ended') return;
    const status = this.phase === 'held' ? 'skipped' : 'cancelled';
    this.phase = 'ended';
    // The caller may be in the middle of starting other sub-tasks.
    this.owner.clock.at(0, () => {
      this.settle({ subTask: this.name, status, reason });
    });
  }

  holdBack(): void {
    this.isHeldBack = true;
  }

  private settle(outcome: Outcome, failure?: End['failure']): void {
    this.phase = 'ended';
    this.owner.settle(outcome, failure);
  }
}

function outcomeOf(subTask: string, { failure, says }: End): Outcome {
  return failure
    ? { subTask, status: 'failed', error: failure.data.error }
    : { subTask, status: 'succeeded', result: says ?? `${subTask} alone` };
}

/** A policy for replayed results. Of these, only the part that is compared is left. */
function comparable(policy: ReplyPolicy): ReplyPolicy {
  return policy.policy === 'agreement' ? { policy: 'agreement', agreement: policy.agreement } : policy;
}
