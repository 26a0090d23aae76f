import { elapsedMs } from '../core/duration.js';
import type { StartCause } from '../core/events.js';
import { NOT_NEEDED } from '../core/run.js';
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
}

/** Starts the sub-tasks of one run that don't start with it, in their order, as long as there is no reply. */
export class LaterStarts {
  private readonly held: HeldSubTask[];
  /** Those whose time had come when the budget was spent. */
  private readonly heldBack = new Set<HeldSubTask>();
  private alarm: { readonly of: HeldSubTask; readonly timer: NodeJS.Timeout } | undefined;
  /** Due time of the latest hedge that fell due. */
  private lastDueMs = 0;

  /**
   * @param startedAt when the run began, on the clock of `performance.now()`
   * @param failures how many sub-tasks have failed that none was started for
   * @param heldBack the names of those that an earlier process has held back
   */
  constructor(
    private readonly run: StaggeredRun,
    held: readonly HeldSubTask[],
    private readonly budget: HedgeBudget,
    private readonly startedAt: number,
    private failures = 0,
    heldBack: readonly string[] = [],
  ) {
    this.held = [...held];
    for (const one of held) if (heldBack.includes(one.subTask.name)) this.heldBack.add(one);
  }

  /** A sub-task has failed. The next one starts with {@link update}, once it is known that there is no reply. */
  failed(): void {
    this.failures += 1;
  }

  /** Starts what is to start as things stand; called after each commit of events of the run that leaves it without a reply. */
  update(): void {
    for (; this.failures > 0; this.failures -= 1) this.startNext({ trigger: 'failure' });
    while (this.held.length > 0 && this.run.needsMore) this.startNext({ trigger: 'need' });
    this.startDue();
  }

  /** Called when there is a reply: what is still held is skipped. */
  end(): void {
    this.stop();
    this.held.length = 0;
    for (const subTask of this.run.subTasks) if (subTask.phase === 'held') subTask.cancel(NOT_NEEDED);
  }

  /** Lets no time start anything any more. */
  stop(): void {
    clearTimeout(this.alarm?.timer);
    this.alarm = undefined;
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
      return;
    }
    this.heldBack.add(one);
    one.subTask.holdBack({ delayMs, hedgeBudget: budget.share });
  }
}
