import { elapsedMs } from '../core/duration.js';
import type { StartCause, SubTaskEvent } from '../core/events.js';
import { NOT_NEEDED, NOT_WORTH_IT } from '../core/run.js';
import type { HedgeBudget } from './hedge-budget.js';
import type { RunTerms } from './run-terms.js';
import type { SubTaskRun } from './sub-task-run.js';

/** What starting sub-tasks later needs to know of their run. */
export interface StaggeredRun {
  readonly terms: RunTerms;
  readonly subTasks: readonly SubTaskRun[];
  /** Whether a held sub-task has to start, because the reply policy can't be met without it. */
  readonly needsMore: boolean;
  /** Whether a sub-task has ended here whose outcome isn't committed yet. */
  readonly outcomeIsUncommitted: boolean;
}

/** A sub-task that is held. */
export interface HeldSubTask {
  readonly subTask: SubTaskRun;
  /** How long after the run it is due, in milliseconds; undefined where no time starts it. */
  readonly dueMs: () => number | undefined;
  /** Whether a failed attempt of one before it is enough to start it. */
  readonly afterAttempt: boolean;
}

/** What has happened of a run that is resumed. */
export interface PastStarts {
  /** How many sub-tasks have failed. */
  readonly failures: number;
  /** The names of those that have a failed attempt. */
  readonly stumbled: readonly string[];
  /** How many were started because of those. */
  readonly answers: number;
  /** Whether a failure was final. */
  readonly isFinal: boolean;
  /** The names of those that were held back. */
  readonly heldBack: readonly string[];
}

const NOTHING: PastStarts = { failures: 0, stumbled: [], answers: 0, isFinal: false, heldBack: [] };

/** Starts the sub-tasks of one run that don't start with it, in their order, as long as there is no reply. */
export class LaterStarts {
  private readonly held: HeldSubTask[];
  /** Those whose time had come when the budget was spent. */
  private readonly heldBack = new Set<HeldSubTask>();
  private alarm: { readonly of: HeldSubTask; readonly timer: NodeJS.Timeout } | undefined;
  /** Due time of the latest hedge that fell due. */
  private lastDueMs = 0;

  /** How many sub-tasks have failed. */
  private failures: number;
  /** Those that have a failed attempt. */
  private readonly stumbled: Set<string>;
  /** How many were started because of those: each starts one other at most. */
  private answers: number;
  private isFinal: boolean;

  /** @param startedAt when the run began, on the clock of `performance.now()` */
  constructor(
    private readonly run: StaggeredRun,
    held: readonly HeldSubTask[],
    private readonly budget: HedgeBudget,
    private readonly startedAt: number,
    past = NOTHING,
  ) {
    this.held = [...held];
    this.failures = past.failures;
    this.stumbled = new Set(past.stumbled);
    this.answers = past.answers;
    this.isFinal = past.isFinal;
    for (const one of held) if (past.heldBack.includes(one.subTask.name)) this.heldBack.add(one);
  }

  /** A sub-task or an attempt may have failed. The next one starts with {@link update}, once it is known that there is no reply. */
  note(event: SubTaskEvent): void {
    const failed = event.type === 'sub-task.failed';
    if (!failed && event.type !== 'sub-task.retrying') return;
    this.stumbled.add(event.subTask);
    if (!failed) return;
    this.failures += 1;
    this.isFinal ||= event.data.error.final === true;
  }

  /** Starts what is to start as things stand; called after each commit of events of the run that leaves it without a reply. */
  update(): void {
    if (this.isFinal) this.skip(NOT_WORTH_IT);
    this.answer();
    while (this.held.length > 0 && this.run.needsMore) this.startNext({ trigger: 'need' });
    this.startDue();
  }

  /** Called when there is a reply: what is still held is skipped. */
  end(): void {
    this.skip(NOT_NEEDED);
  }

  /** Lets no time start anything any more. */
  stop(): void {
    clearTimeout(this.alarm?.timer);
    this.alarm = undefined;
  }

  private skip(reason: string): void {
    this.stop();
    this.held.length = 0;
    for (const subTask of this.run.subTasks) if (subTask.phase === 'held') subTask.cancel(reason);
  }

  /** Starts one for each that has failed, or has a failed attempt where that is enough. */
  private answer(): void {
    for (let [next] = this.held; next; [next] = this.held) {
      const failed = this.failures > this.answers;
      if (!failed && !(next.afterAttempt && this.stumbled.size > this.answers)) return;
      this.answers += 1;
      this.startNext({ trigger: failed ? 'failure' : 'failed-attempt' });
    }
  }

  private startNext(cause: StartCause): void {
    this.held.shift()?.subTask.start(cause);
  }

  private startDue(): void {
    for (const one of [...this.held]) {
      const dueMs = this.heldBack.has(one) ? undefined : one.dueMs();
      if (dueMs === undefined) continue;
      const leftMs = dueMs - elapsedMs(this.startedAt);
      if (leftMs > 0) {
        this.wake(one, leftMs);
        return;
      }
      // It may be the reply: no sub-task that starts now could bring one sooner. Its commit leads here again.
      if (this.run.outcomeIsUncommitted) return;
      this.hedge(one, dueMs);
    }
  }

  private wake(one: HeldSubTask, inMs: number): void {
    if (this.alarm?.of === one) return;
    this.stop();
    const timer = setTimeout(() => {
      this.alarm = undefined;
      this.startDue();
    }, Math.ceil(inMs));
    this.alarm = { of: one, timer };
  }

  /** One that stands behind one that was held back is held back too: they start in their order. */
  private hedge(one: HeldSubTask, dueMs: number): void {
    const { budget } = this;
    this.lastDueMs = Math.max(this.lastDueMs, dueMs);
    const delayMs = this.lastDueMs;
    if (one === this.held[0] && budget.take()) {
      this.startNext({ trigger: 'delay', delayMs });
      this.answer();
      return;
    }
    this.heldBack.add(one);
    one.subTask.holdBack({ delayMs, hedgeBudget: budget.share });
  }
}
