import { Logger } from '@nestjs/common';
import { fullJitterGenerator } from 'cockatiel';
import type { StartCause } from '../core/events.js';
import { elapsedMs, millisecondsSince } from '../core/duration.js';
import { deepFreeze, JsonError, toJson, type JsonValue } from '../core/json.js';
import { originFields } from '../core/run-origin.js';
import type { AttemptError } from '../core/run.js';
import type { SubTaskDefinition } from '../core/task.js';
import { isOneOf, stackOf } from '../core/thrown.js';
import { attemptError, AttemptTimeout, retryTermsOf } from './attempt-error.js';
import { Attempt, type AttemptOf } from './attempt.js';
import type { Batch, EngineRun, Manner, Progress, Surroundings } from './batch.js';
import type { Slots } from './slots.js';

const logger = new Logger('Engine');

const WITH_ITS_RUN: StartCause = Object.freeze({});

/** One sub-task of one run: its attempts in turn, each transition given to the journal, and one outcome. */
export class SubTaskExecution {
  /** A retry that is due later than this many milliseconds need not be waited for here, where there are other nodes. */
  static readonly laterMs: number = 5_000;

  readonly run: EngineRun;
  private readonly surroundings: Surroundings;
  private phase: 'held' | 'waiting' | 'under-way' | 'ended';
  private cause: StartCause;
  private readonly tookOn: boolean;
  private attempts: number;
  private failures: number;
  private startedAt = 0;
  /** The attempt whose outcome counts. All others are fenced out: what they still bring is discarded. */
  private current: Attempt | undefined;
  private untilRetry: NodeJS.Timeout | undefined;
  private ownTurn: { begin(): void } | undefined;

  /**
   * @param ownSlots the slots of this sub-task over all runs, where it bounds its concurrency
   */
  constructor(
    private readonly batch: Batch,
    readonly subTask: SubTaskDefinition,
    private readonly progress: Progress,
    private readonly ownSlots: Slots | undefined,
    { held = false, tookOn = false, cause = WITH_ITS_RUN }: Manner,
  ) {
    this.run = batch.run;
    this.surroundings = batch.surroundings;
    this.attempts = progress.attempts;
    this.failures = progress.failures;
    this.cause = cause;
    this.tookOn = tookOn;
    this.phase = held ? 'held' : 'waiting';
    if (!held) batch.joinedQueue();
  }

  get held(): boolean {
    return this.phase === 'held';
  }

  get waiting(): boolean {
    return this.phase === 'waiting';
  }

  get unfinished(): boolean {
    return this.phase !== 'ended';
  }

  /** Lets one that is held begin as soon as it has its slots. */
  start(cause: StartCause): void {
    if (!this.held) return;
    this.phase = 'waiting';
    this.cause = cause;
    this.batch.joinedQueue();
    this.enqueue();
  }

  /**
   * Begins as soon as it has its slots, unless it is held or leaves this node. While it waits for one of its own it doesn't
   * hold a common one.
   */
  enqueue(): void {
    if (!this.waiting) return;
    const { slots } = this.surroundings;
    if (this.isForAnotherNode()) {
      this.leave();
      return;
    }
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
    this.startedAt = performance.now() - millisecondsSince(this.progress.startedAt);
    this.batch.leftQueue();
    const { retryAt, retryDelayMs } = this.progress;
    const untilRetryMs = retryAt === null ? 0 : Date.parse(retryAt) - Date.now();
    // A clock that was set back in between must not make the wait longer than it was to be.
    if (untilRetryMs > 0) this.retryIn(Math.min(untilRetryMs, retryDelayMs));
    else this.beginAttempt();
  }

  /** Ends a sub-task that is not needed any more; what it still brings is discarded. */
  cancel(reason: string): void {
    if (this.phase === 'ended') return;
    const { journal } = this.surroundings;
    if (this.phase !== 'under-way' && this.attempts === 0) {
      void journal.append({ type: 'sub-task.skipped', ...this.about(), data: { reason } });
    } else {
      const durationMs = this.waiting
        ? millisecondsSince(this.progress.startedAt)
        : elapsedMs(this.startedAt);
      void journal.append({ type: 'sub-task.cancelled', ...this.about(), data: { reason, durationMs } });
    }
    this.abandon();
  }

  /** Ends it in this process without an outcome: what the journal has of it is for the next process to take up. */
  abandon(): void {
    if (this.phase === 'ended') return;
    clearTimeout(this.untilRetry);
    if (this.phase === 'under-way') {
      this.current?.giveUp();
      this.end();
      return;
    }
    if (this.waiting) {
      this.batch.leftQueue();
      this.leaveLine();
    }
    this.phase = 'ended';
    this.batch.ended();
  }

  private isForAnotherNode(): boolean {
    const { sharing, slots } = this.surroundings;
    if (!sharing || this.tookOn) return false;
    return this.subTask.placement === 'worker' || (!slots.hasFree && sharing.takeIdleSlot());
  }

  /** Gives it to whichever node takes it on, this one perhaps. */
  private leave(dueAt?: Date): void {
    const { startedAt } = this.progress;
    this.surroundings.leave({
      about: this.about(),
      startedAt: startedAt ?? (this.attempts === 0 ? null : timeBefore(elapsedMs(this.startedAt))),
      worker: this.subTask.placement === 'worker',
      tookOn: this.tookOn,
      dueAt,
      cause: this.attempts === 0 ? this.cause : undefined,
    });
    this.abandon();
  }

  private beginAttempt(): void {
    this.attempts += 1;
    const about = this.about();
    void this.surroundings.journal.append({ type: 'sub-task.started', ...about, data: this.cause });
    this.cause = WITH_ITS_RUN;
    const { handler, timeoutMs } = this.subTask;
    const attempt = new Attempt(about, timeoutMs, this.run.origin);
    this.current = attempt;
    Promise.try(() => handler.run(this.run.parsedInput, attempt)).then(
      (result) => {
        attempt.settled();
        if (attempt === this.current) this.returned(result);
      },
      (error: unknown) => {
        attempt.settled();
        if (attempt === this.current) this.failed(error);
      },
    );
    attempt.startTimeout(this.timedOut);
  }

  private readonly timedOut = (attempt: Attempt): void => {
    attempt.giveUp();
    if (attempt === this.current) this.failed(new AttemptTimeout(this.subTask.timeoutMs));
  };

  private returned(value: unknown): void {
    let result: JsonValue;
    try {
      result = toJson(value, this.surroundings.maxResultBytes);
    } catch (error) {
      this.failed(error);
      return;
    }
    const data = { result, durationMs: elapsedMs(this.startedAt) };
    void this.surroundings.journal.append({ type: 'sub-task.succeeded', ...this.about(), data });
    this.end();
  }

  private failed(thrown: unknown): void {
    this.current = undefined;
    this.failures += 1;
    const { journal } = this.surroundings;
    const error = this.failureOf(thrown);
    if (this.mayRetry(thrown)) {
      const delayMs = this.nextDelay(thrown);
      const dueAt = new Date(Date.now() + delayMs).toISOString();
      void journal.append({ type: 'sub-task.retrying', ...this.about(), data: { error, delayMs, dueAt } });
      if (delayMs > SubTaskExecution.laterMs && this.surroundings.sharing) this.leave(new Date(dueAt));
      else this.retryIn(delayMs);
      return;
    }
    const data = { error, durationMs: elapsedMs(this.startedAt) };
    void journal.append({ type: 'sub-task.failed', ...this.about(), data });
    this.end();
  }

  /** Attempts that were cut off by the end of a process don't count: they didn't fail. */
  private mayRetry(thrown: unknown): boolean {
    const { attempts, except } = this.subTask.retry;
    if (this.progress.retried || this.failures >= attempts) return false;
    return retryTermsOf(thrown).retry !== false && !isOneOf(thrown, [JsonError, ...except]);
  }

  private nextDelay(thrown: unknown): number {
    const { delayMs, maxDelayMs } = this.subTask.retry;
    const { retryAfterMs = 0 } = retryTermsOf(thrown);
    const [wait] = fullJitterGenerator(Math.min(this.failures, 50) - 1, {
      generator: fullJitterGenerator,
      exponent: 2,
      initialDelay: delayMs,
      maxDelay: maxDelayMs,
    });
    return Math.max(wait, Math.min(retryAfterMs, this.subTask.timeoutMs) || 0);
  }

  private retryIn(ms: number): void {
    this.untilRetry = setTimeout(() => {
      this.beginAttempt();
    }, ms);
  }

  /** What is recorded of a failure; the stack trace stays in the log. */
  private failureOf(error: unknown): AttemptError {
    const failure = deepFreeze(attemptError(error));
    const stack = failure.code === 'threw' ? stackOf(error) : undefined;
    if (stack !== undefined) {
      const about = { ...this.about(), ...originFields(this.run.origin) };
      logger.warn({ msg: `${this.subTask.name} threw`, ...about, stack });
    }
    return failure;
  }

  private end(): void {
    this.phase = 'ended';
    this.current = undefined;
    this.batch.ended();
    this.surroundings.slots.release();
    this.ownSlots?.release();
  }

  private leaveLine(): void {
    if (this.surroundings.slots.leave(this)) this.ownSlots?.release();
    else if (this.ownTurn) this.ownSlots?.leave(this.ownTurn);
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

function timeBefore(ms: number): string {
  return new Date(Date.now() - ms).toISOString();
}
