import type { EmbeddedEngine } from './embedded-engine.js';
import type { StartCause } from '../core/events.js';
import type { Journal } from './journal.js';
import { elapsedMs } from '../core/duration.js';
import type { FollowedRun } from './followed-run.js';
import type { HedgeBudget } from './hedge-budget.js';
import { NOT_NEEDED } from '../core/run.js';

/** A sub-task that is held. */
export interface HeldSubTask {
  readonly name: string;
  /** How long after the run it is due, in milliseconds; undefined where no time starts it. */
  readonly dueMs: () => number | undefined;
}

/** What a staggered start works with. */
export interface StartTools {
  readonly engine: EmbeddedEngine;
  readonly journal: Journal;
  readonly budget: HedgeBudget;
}

/** Starts the sub-tasks of one run that don't start with it, in their order, as long as there is no reply. */
export class StaggeredStart {
  private readonly held: HeldSubTask[];
  /** Those whose time had come when the budget was spent. */
  private readonly heldBack = new Set<HeldSubTask>();
  private alarm: { readonly of: HeldSubTask; readonly timer: NodeJS.Timeout } | undefined;
  /** When the last one was due whose time has come. */
  private lastDueMs = 0;

  /**
   * @param startedAt when the run began, on the clock of `performance.now()`
   * @param failures how many sub-tasks have failed that none was started for
   * @param heldBack the names of those that an earlier process has held back
   */
  constructor(
    private readonly run: FollowedRun,
    held: readonly HeldSubTask[],
    private readonly startedAt: number,
    private readonly tools: StartTools,
    private failures = 0,
    heldBack: readonly string[] = [],
  ) {
    this.held = [...held];
    for (const one of held) if (heldBack.includes(one.name)) this.heldBack.add(one);
    this.tellRun();
  }

  /** A sub-task has failed. The next one starts with {@link goOn}, once it is known that there is no reply. */
  failed(): void {
    this.failures += 1;
  }

  /** Starts what is to start as things stand. To be called after each commit of events of the run that leaves it without a reply. */
  goOn(): void {
    for (; this.failures > 0; this.failures -= 1) this.startNext({ trigger: 'failure' });
    while (this.held.length > 0 && this.run.needsMore) this.startNext({ trigger: 'need' });
    this.startDue();
  }

  /** Called when there is a reply: what is still held is skipped. */
  end(): void {
    this.stop();
    this.held.length = 0;
    this.tellRun();
    this.tools.engine.skipHeld(this.run.terms.id, NOT_NEEDED);
  }

  /** Lets no time start anything any more. */
  stop(): void {
    clearTimeout(this.alarm?.timer);
    this.alarm = undefined;
  }

  private startNext(cause: StartCause): void {
    const next = this.held.shift();
    if (!next) return;
    this.tellRun();
    this.tools.engine.start(this.run.terms.id, next.name, cause);
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
      if (this.outcomeIsUncommitted()) return;
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
    const { journal, budget } = this.tools;
    this.lastDueMs = Math.max(this.lastDueMs, dueMs);
    const delayMs = this.lastDueMs;
    if (one === this.held[0] && budget.take()) {
      this.startNext({ trigger: 'delay', delayMs });
      return;
    }
    this.heldBack.add(one);
    const { id: runId, task } = this.run.terms;
    const about = { runId, task, subTask: one.name, attempt: 0 };
    void journal.append({
      type: 'sub-task.held-back',
      ...about,
      data: { delayMs, hedgeBudget: budget.share },
    });
  }

  /** Whether one has ended in the engine, or was left to another process, and the run doesn't know yet. */
  private outcomeIsUncommitted(): boolean {
    const { terms, unsettled } = this.run;
    return unsettled.some((name) => !this.tools.engine.executes(terms.id, name));
  }

  private tellRun(): void {
    this.run.held = this.held.map(({ name }) => name);
  }
}
