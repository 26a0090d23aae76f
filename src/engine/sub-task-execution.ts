import { Logger } from '@nestjs/common';
import { fullJitterGenerator } from 'cockatiel';
import { retry, throwError, timer, type Observable, type Subscription } from 'rxjs';
import type { MemoryJournal } from '../journal/memory-journal.js';
import type { AcceptedRun } from '../tasks/accepted-run.js';
import { JsonError, type JsonValue } from '../tasks/json.js';
import type { AttemptError } from '../tasks/run.js';
import type { SubTaskDefinition } from '../tasks/task.js';
import { isOneOf, stackOf } from '../tasks/thrown.js';
import { attemptError } from './attempt-error.js';
import { attempts, type AttemptOf } from './attempt.js';
import type { Slots } from './slots.js';

const logger = new Logger('Engine');

/** What an execution needs of the engine. */
export interface Surroundings {
  readonly journal: MemoryJournal;
  readonly maxResultBytes: number;
  /** The slots of all sub-tasks. */
  readonly slots: Slots;
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
  private ownTurn: { begin(): void } | undefined;

  /** @param ownSlots the slots of this sub-task over all runs, where it bounds its concurrency */
  constructor(
    private readonly run: AcceptedRun,
    readonly subTask: SubTaskDefinition,
    private readonly ownSlots: Slots | undefined,
    private readonly surroundings: Surroundings,
  ) {}

  get waiting(): boolean {
    return this.phase === 'waiting';
  }

  get unfinished(): boolean {
    return this.phase !== 'ended';
  }

  /** Begins as soon as it has its slots. While it waits for one of its own it doesn't hold a common one. */
  enqueue(): void {
    const { slots } = this.surroundings;
    if (!this.ownSlots) {
      slots.take(this);
      return;
    }
    this.ownTurn = {
      begin: () => {
        slots.take(this);
      },
    };
    this.ownSlots.take(this.ownTurn);
  }

  /** Runs its attempts, with its slots held until the outcome, waits between retries included. */
  begin(): void {
    this.phase = 'under-way';
    this.startedAt = performance.now();
    const { maxResultBytes, leftQueue } = this.surroundings;
    leftQueue();
    const once = attempts(this.subTask, this.run.parsedInput, maxResultBytes, () => this.beginAttempt());
    const all =
      this.subTask.retry.attempts === 1
        ? once
        : once.pipe(retry({ delay: (error: unknown) => this.beforeNextAttempt(error) }));
    this.underWay = all.subscribe(this);
  }

  /** Called with the result of the attempt that succeeded. */
  next(result: JsonValue): void {
    if (this.phase === 'ended') return;
    const data = { result, durationMs: this.elapsedMs() };
    void this.surroundings.journal.append({ type: 'sub-task.succeeded', ...this.about(), data });
    this.end();
  }

  /** Called with what the last attempt failed with. */
  error(error: unknown): void {
    if (this.phase === 'ended') return;
    const data = { error: this.failureOf(error), durationMs: this.elapsedMs() };
    void this.surroundings.journal.append({ type: 'sub-task.failed', ...this.about(), data });
    this.end();
  }

  /** Ends a sub-task that is not needed any more; what it still brings is discarded. */
  cancel(reason: string): void {
    const { journal, leftQueue } = this.surroundings;
    if (this.phase === 'ended') return;
    if (this.phase === 'waiting') {
      leftQueue();
      this.leaveLine();
      void journal.append({ type: 'sub-task.skipped', ...this.about(), data: { reason } });
      this.phase = 'ended';
      this.surroundings.ended();
      return;
    }
    const data = { reason, durationMs: this.elapsedMs() };
    void journal.append({ type: 'sub-task.cancelled', ...this.about(), data });
    this.underWay?.unsubscribe();
    this.end();
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
    const hopeless = isOneOf(error, [JsonError, ...except]);
    if (hopeless || this.attempts >= attempts) return throwError(() => error);
    const [wait] = fullJitterGenerator(Math.min(this.attempts, 50) - 1, {
      generator: fullJitterGenerator,
      exponent: 2,
      initialDelay: delayMs,
      maxDelay: maxDelayMs,
    });
    const dueAt = new Date(Date.now() + wait).toISOString();
    const data = { error: this.failureOf(error), delayMs: wait, dueAt };
    void this.surroundings.journal.append({ type: 'sub-task.retrying', ...this.about(), data });
    return timer(wait);
  }

  /** What is recorded of a failure; the stack trace stays in the log. */
  private failureOf(error: unknown): AttemptError {
    const failure = Object.freeze(attemptError(error));
    const stack = failure.code === 'threw' ? stackOf(error) : undefined;
    if (stack !== undefined) logger.warn({ msg: `${this.subTask.name} threw`, ...this.about(), stack });
    return failure;
  }

  private end(): void {
    this.phase = 'ended';
    this.surroundings.ended();
    this.releaseSlots();
  }

  private leaveLine(): void {
    if (this.surroundings.slots.leave(this)) this.ownSlots?.release();
    else if (this.ownTurn) this.ownSlots?.leave(this.ownTurn);
  }

  private releaseSlots(): void {
    this.surroundings.slots.release();
    this.ownSlots?.release();
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
