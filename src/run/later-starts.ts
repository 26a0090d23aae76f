import { elapsedMs } from '../core/duration.js';
import type { StartCause, SubTaskEvent } from '../core/events.js';
import { NOT_NEEDED, NOT_WORTH_IT } from '../core/run.js';
import type { Execution } from './execution.js';
import type { HedgeBudget } from './hedge-budget.js';
import type { RunTerms } from './run-terms.js';
import type { SubTaskRun } from './sub-task-run.js';

/** The part of a sub-task that later starts need. */
export type LaterSubTask = Pick<SubTaskRun, 'name' | 'phase' | 'start' | 'cancel' | 'holdBack'>;

/** The part of a run, live or replayed, that later starts need. */
export interface StartingRun {
  readonly execution: Pick<Execution, 'clock'>;
  readonly subTasks: readonly LaterSubTask[];
  /** Whether a held sub-task has to start, because the reply policy can't be met without it. */
  readonly needsMore: boolean;
  /** Whether the outcome of a sub-task that has ended here isn't committed yet. */
  readonly outcomeIsUncommitted: boolean;
}

/** A live run, some of whose sub-tasks may start later. */
export interface StaggeredRun extends StartingRun {
  readonly execution: Execution;
  readonly terms: RunTerms;
  readonly subTasks: readonly SubTaskRun[];
}

/** A sub-task that is held. */
export interface HeldSubTask {
  readonly subTask: LaterSubTask;
  /** How long after the run's start the sub-task is due, in milliseconds; undefined where no time starts it. */
  readonly dueMs: () => number | undefined;
  /** Whether a failed attempt of an earlier sub-task is enough to start this one. */
  readonly afterAttempt: boolean;
}

/** What has happened in a run that is resumed. */
export interface PastStarts {
  /** Names of sub-tasks that were started to learn from: their failures start no other. */
  readonly explored: readonly string[];
  /** Names of sub-tasks that have failed. */
  readonly failed: readonly string[];
  /** Names of sub-tasks with a failed attempt, the failed ones included. */
  readonly stumbled: readonly string[];
  /** How many sub-tasks were started by a failure. */
  readonly byFailure: number;
  /** How many sub-tasks were started by a failed attempt. */
  readonly byAttempt: number;
  /** Whether a failure was final. */
  readonly isFinal: boolean;
  /** Names of sub-tasks that were held back. */
  readonly heldBack: readonly string[];
}

export const NOTHING: PastStarts = {
  explored: [],
  failed: [],
  stumbled: [],
  byFailure: 0,
  byAttempt: 0,
  isFinal: false,
  heldBack: [],
};

/** Starts the held sub-tasks of one run, in their order, until there is a reply. */
export class LaterStarts {
  private readonly held: HeldSubTask[];
  /** Sub-tasks whose time had come when the hedge budget was spent. */
  private readonly heldBack = new Set<HeldSubTask>();
  private alarm: { readonly of: HeldSubTask; readonly timer: NodeJS.Timeout } | undefined;
  /** Due time of the latest hedge that fell due. */
  private lastDueMs = 0;

  /** Sub-tasks that have failed, and whose failure has started no other yet. */
  private readonly failed: Set<string>;
  /** Sub-tasks with a failed attempt that has started no other yet. They may go on. */
  private readonly stumbled: Set<string>;
  /** Sub-tasks that have started another: each starts one at most. */
  private readonly answered: Set<string>;
  private isFinal: boolean;
  private isPaused = false;

  /** @param startedAt when the run began, on the clock of `performance.now()` */
  constructor(
    private readonly run: StartingRun,
    held: readonly HeldSubTask[],
    private readonly budget: HedgeBudget,
    private readonly startedAt: number,
    past: PastStarts,
  ) {
    this.held = [...held];
    const counting = past.failed.filter((name) => !past.explored.includes(name));
    this.answered = new Set([...past.explored, ...counting.slice(0, past.byFailure)]);
    const unanswered = past.stumbled.filter((name) => !this.answered.has(name));
    for (const name of unanswered.splice(0, past.byAttempt)) this.answered.add(name);
    this.failed = new Set(unanswered.filter((name) => past.failed.includes(name)));
    this.stumbled = new Set(unanswered.filter((name) => !this.failed.has(name)));
    this.isFinal = past.isFinal;
    for (const one of held) if (past.heldBack.includes(one.subTask.name)) this.heldBack.add(one);
  }

  /** Notes a failed sub-task or attempt. The next sub-task starts with {@link update}, once it is known that there is no reply. */
  note(event: SubTaskEvent): void {
    const failed = event.type === 'sub-task.failed';
    if (!failed && event.type !== 'sub-task.retrying') return;
    if (failed) this.isFinal ||= event.data.error.final === true;
    if (this.answered.has(event.subTask)) return;
    if (failed) this.stumbled.delete(event.subTask);
    (failed ? this.failed : this.stumbled).add(event.subTask);
  }

  /** Starts what is due now. Called after each commit of the run's events that leaves it without a reply. */
  update(): void {
    if (this.isPaused) return;
    if (this.isFinal) this.skip(NOT_WORTH_IT);
    this.answer();
    while (this.held.length > 0 && this.run.needsMore) this.startNext({ trigger: 'need' });
    this.startDue();
  }

  /** Called when there is a reply: sub-tasks that are still held are skipped. */
  end(): void {
    this.skip(NOT_NEEDED);
  }

  /** Starts nothing while callers are shown a stream: another sub-task is needed only if the stream breaks off. */
  pause(on: boolean): void {
    this.isPaused = on;
    if (on) this.stop();
  }

  /** Stops all timers. */
  stop(): void {
    this.run.execution.clock.clearTimeout(this.alarm?.timer);
    this.alarm = undefined;
  }

  private skip(reason: string): void {
    this.stop();
    this.held.length = 0;
    for (const subTask of this.run.subTasks) if (subTask.phase === 'held') subTask.cancel(reason);
  }

  /** Starts one sub-task for each failed one, or for each failed attempt where that is enough. */
  private answer(): void {
    for (let [next] = this.held; next; [next] = this.held) {
      const [failed] = this.failed;
      const [stumbled] = next.afterAttempt ? this.stumbled : [];
      const by = failed ?? stumbled;
      if (by === undefined) return;
      (failed === undefined ? this.stumbled : this.failed).delete(by);
      this.answered.add(by);
      this.startNext({ trigger: failed === undefined ? 'failed-attempt' : 'failure' });
    }
  }

  private startNext(cause: StartCause): void {
    this.held.shift()?.subTask.start(cause);
  }

  private startDue(): void {
    for (const one of [...this.held]) {
      const dueMs = this.heldBack.has(one) ? undefined : one.dueMs();
      if (dueMs === undefined) continue;
      const leftMs = dueMs - elapsedMs(this.startedAt, this.run.execution.clock);
      if (leftMs > 0) {
        this.wake(one, leftMs);
        return;
      }
      // That outcome may be the reply: a sub-task that starts now can't bring one sooner. Its commit leads here again.
      if (this.run.outcomeIsUncommitted) return;
      this.hedge(one, dueMs);
    }
  }

  private wake(one: HeldSubTask, inMs: number): void {
    if (this.alarm?.of === one) return;
    this.stop();
    const timer = this.run.execution.clock.setTimeout(() => {
      this.alarm = undefined;
      this.startDue();
    }, Math.ceil(inMs));
    this.alarm = { of: one, timer };
  }

  /** A sub-task behind one that was held back is held back too: sub-tasks start in their order. */
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
