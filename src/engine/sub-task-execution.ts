import { fullJitterGenerator } from 'cockatiel';
import { retry, throwError, timer, type Observable, type Subscription } from 'rxjs';
import type { MemoryJournal } from '../journal/memory-journal.js';
import type { AcceptedRun } from '../tasks/accepted-run.js';
import { JsonError } from '../tasks/json.js';
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

  constructor(
    private readonly run: AcceptedRun,
    private readonly subTask: SubTaskDefinition,
    private readonly surroundings: Surroundings,
  ) {}

  get name(): string {
    return this.subTask.name;
  }

  get unfinished(): boolean {
    return this.phase !== 'ended';
  }

  /** Resolves at the outcome, at once when there already is one. Never rejects. */
  start(): Promise<void> {
    if (this.phase !== 'waiting') return Promise.resolve();
    this.phase = 'under-way';
    this.startedAt = performance.now();
    this.surroundings.leftQueue();
    const { journal, maxResultBytes } = this.surroundings;
    return new Promise((resolve) => {
      this.underWay = attempts(this.subTask, this.run.parsedInput, maxResultBytes, () => this.beginAttempt())
        .pipe(retry({ delay: (error: unknown) => this.beforeNextAttempt(error) }))
        .subscribe({
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
      this.underWay.add(resolve);
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
  }

  private elapsedMs(): number {
    return Math.round((performance.now() - this.startedAt) * 10) / 10;
  }

  private about(): AttemptOf {
    return { runId: this.run.id, task: this.run.task.name, subTask: this.name, attempt: this.attempts };
  }
}
