import { fullJitterGenerator } from 'cockatiel';
import { retry, throwError, timer, type Observable, type Subscription } from 'rxjs';
import type { MemoryJournal } from '../journal/memory-journal.js';
import type { AcceptedRun } from '../tasks/accepted-run.js';
import { JsonError, type JsonValue } from '../tasks/json.js';
import type { SubTaskDefinition } from '../tasks/task.js';
import { attemptError } from './attempt-error.js';
import { attempts, type AttemptOf } from './attempt.js';

/** What an execution needs of the engine. */
export interface Surroundings {
  readonly journal: MemoryJournal;
  readonly maxResultBytes: number;
  /** Called once, when the sub-task doesn't wait for a slot any more. */
  readonly leftQueue: () => void;
  /** Called once, when the sub-task has its outcome. */
  readonly ended: () => void;
}

/** One sub-task of one run: its attempts in turn, each transition given to the journal, and one outcome. */
export class SubTaskExecution {
  private phase: 'waiting' | 'under-way' | 'ended' = 'waiting';
  private attempts = 0;
  private startedAt = 0;
  private underWay: Subscription | undefined;
  private release: () => void = () => undefined;

  constructor(
    private readonly run: AcceptedRun,
    readonly subTask: SubTaskDefinition,
    private readonly surroundings: Surroundings,
  ) {}

  get waiting(): boolean {
    return this.phase === 'waiting';
  }

  get unfinished(): boolean {
    return this.phase !== 'ended';
  }

  /** Begins with a slot, and calls `release` when it doesn't need it any more: at the outcome. */
  start(release: () => void): void {
    if (this.phase !== 'waiting') {
      release();
      return;
    }
    this.phase = 'under-way';
    this.release = release;
    this.startedAt = performance.now();
    const { journal, maxResultBytes, leftQueue } = this.surroundings;
    leftQueue();
    const once = attempts(this.subTask, this.run.parsedInput, maxResultBytes, () => this.beginAttempt());
    const all = retry<JsonValue>({ delay: (error: unknown) => this.beforeNextAttempt(error) });
    this.underWay = (this.subTask.retry.attempts > 1 ? once.pipe(all) : once).subscribe({
      next: (result) => {
        const data = { result, durationMs: this.elapsedMs() };
        void journal.append({ type: 'sub-task.succeeded', ...this.about(), data });
        this.end();
      },
      error: (error: unknown) => {
        const data = { error: attemptError(error), durationMs: this.elapsedMs() };
        void journal.append({ type: 'sub-task.failed', ...this.about(), data });
        this.end();
      },
    });
  }

  /** Ends a sub-task that is not needed any more; what it still brings is discarded. */
  cancel(reason: string): void {
    const { journal, leftQueue } = this.surroundings;
    if (this.phase === 'ended') return;
    if (this.phase === 'waiting') {
      leftQueue();
      void journal.append({ type: 'sub-task.skipped', ...this.about(), data: { reason } });
    } else {
      const data = { reason, durationMs: this.elapsedMs() };
      void journal.append({ type: 'sub-task.cancelled', ...this.about(), data });
    }
    this.end();
    this.underWay?.unsubscribe();
  }

  private beginAttempt(): AttemptOf {
    this.attempts += 1;
    const about = this.about();
    void this.surroundings.journal.append({ type: 'sub-task.started', ...about, data: {} });
    return about;
  }

  /** Emits when the next attempt is due; passes the error on when there is none. */
  private beforeNextAttempt(error: unknown): Observable<unknown> {
    const { attempts, delayMs, maxDelayMs, except } = this.subTask.retry;
    const hopeless = error instanceof JsonError || except.some((type) => error instanceof type);
    if (hopeless || this.attempts >= attempts) return throwError(() => error);
    const [wait] = fullJitterGenerator(Math.min(this.attempts, 50) - 1, {
      generator: fullJitterGenerator,
      exponent: 2,
      initialDelay: delayMs,
      maxDelay: maxDelayMs,
    });
    const dueAt = new Date(Date.now() + wait).toISOString();
    const data = { error: attemptError(error), delayMs: wait, dueAt };
    void this.surroundings.journal.append({ type: 'sub-task.retrying', ...this.about(), data });
    return timer(wait);
  }

  private end(): void {
    this.phase = 'ended';
    this.surroundings.ended();
    this.release();
  }

  private elapsedMs(): number {
    return Math.round((performance.now() - this.startedAt) * 10) / 10;
  }

  private about(): AttemptOf {
    return {
      runId: this.run.id,
      task: this.run.task.name,
      subTask: this.subTask.name,
      attempt: this.attempts,
    };
  }
}
