import { Logger } from '@nestjs/common';
import { fullJitterGenerator } from 'cockatiel';
import type { Journal } from '../journal/journal.js';
import { millisecondsSince } from '../tasks/duration.js';
import { JsonError, toJson, type JsonValue } from '../tasks/json.js';
import { originFields, type RunOrigin } from '../tasks/run-origin.js';
import type { AttemptError, SubTaskRun } from '../tasks/run.js';
import type { SubTaskDefinition } from '../tasks/task.js';
import { isOneOf, stackOf } from '../tasks/thrown.js';
import { attemptError, AttemptTimeout } from './attempt-error.js';
import { Attempt, type AttemptOf } from './attempt.js';
import type { Slots } from './slots.js';

const logger = new Logger('Engine');

/** The run that a sub-task belongs to. */
export interface RunOf {
  readonly id: string;
  readonly task: { readonly name: string };
  /** What sub-tasks get. */
  readonly parsedInput: unknown;
  readonly origin: RunOrigin;
}

/** How far a sub-task has come before: what a process that ended has left of it. */
export type Progress = Pick<SubTaskRun, 'attempts' | 'failures' | 'retried' | 'startedAt' | 'retryAt'>;

export const NOT_BEGUN: Progress = {
  attempts: 0,
  failures: 0,
  retried: false,
  startedAt: null,
  retryAt: null,
};

/** What an execution needs of the engine. */
export interface Surroundings {
  readonly journal: Journal;
  readonly maxResultBytes: number;
  /** The slots of all sub-tasks. */
  readonly slots: Slots;
  /** Called once, when the sub-task doesn't wait for a slot any more. */
  readonly leftQueue: () => void;
  /** Called once, when the sub-task has its outcome, or is left to another process. */
  readonly ended: () => void;
}

/** One sub-task of one run: its attempts in turn, each transition given to the journal, and one outcome. */
export class SubTaskExecution {
  private phase: 'waiting' | 'under-way' | 'ended' = 'waiting';
  private attempts: number;
  private failures: number;
  private startedAt = 0;
  /** The attempt whose outcome counts. All others are fenced out: what they still bring is discarded. */
  private current: Attempt | undefined;
  private untilRetry: NodeJS.Timeout | undefined;
  private ownTurn: { begin(): void } | undefined;

  /** @param ownSlots the slots of this sub-task over all runs, where it bounds its concurrency */
  constructor(
    readonly run: RunOf,
    readonly subTask: SubTaskDefinition,
    private readonly progress: Progress,
    private readonly ownSlots: Slots | undefined,
    private readonly surroundings: Surroundings,
  ) {
    this.attempts = progress.attempts;
    this.failures = progress.failures;
  }

  get waiting(): boolean {
    return this.phase === 'waiting';
  }

  get unfinished(): boolean {
    return this.phase !== 'ended';
  }

  /** Begins as soon as it has its slots. While it waits for one of its own it doesn't hold a common one. */
  enqueue(): void {
    if (!this.waiting) return;
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
    this.startedAt = performance.now() - millisecondsSince(this.progress.startedAt);
    this.surroundings.leftQueue();
    const { retryAt } = this.progress;
    const untilRetryMs = retryAt === null ? 0 : Date.parse(retryAt) - Date.now();
    // A clock that was set back in between must not make the wait longer than any wait can be.
    if (untilRetryMs > 0) this.retryIn(Math.min(untilRetryMs, this.subTask.retry.maxDelayMs));
    else this.beginAttempt();
  }

  /** Ends a sub-task that is not needed any more; what it still brings is discarded. */
  cancel(reason: string): void {
    if (this.phase === 'ended') return;
    const { journal } = this.surroundings;
    if (this.waiting && this.attempts === 0) {
      void journal.append({ type: 'sub-task.skipped', ...this.about(), data: { reason } });
    } else {
      const durationMs = this.waiting ? millisecondsSince(this.progress.startedAt) : this.elapsedMs();
      void journal.append({ type: 'sub-task.cancelled', ...this.about(), data: { reason, durationMs } });
    }
    this.abandon();
  }

  /** Ends it in this process without an outcome: what the journal has of it is for the next process to take up. */
  abandon(): void {
    if (this.phase === 'ended') return;
    clearTimeout(this.untilRetry);
    if (this.waiting) {
      this.surroundings.leftQueue();
      this.leaveLine();
      this.phase = 'ended';
      this.surroundings.ended();
      return;
    }
    this.current?.giveUp();
    this.end();
  }

  private beginAttempt(): void {
    this.attempts += 1;
    const about = this.about();
    void this.surroundings.journal.append({ type: 'sub-task.started', ...about, data: {} });
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
    const data = { result, durationMs: this.elapsedMs() };
    void this.surroundings.journal.append({ type: 'sub-task.succeeded', ...this.about(), data });
    this.end();
  }

  private failed(thrown: unknown): void {
    this.current = undefined;
    this.failures += 1;
    const { journal } = this.surroundings;
    const error = this.failureOf(thrown);
    if (this.mayRetry(thrown)) {
      const delayMs = this.nextDelay();
      const dueAt = new Date(Date.now() + delayMs).toISOString();
      void journal.append({ type: 'sub-task.retrying', ...this.about(), data: { error, delayMs, dueAt } });
      this.retryIn(delayMs);
      return;
    }
    const data = { error, durationMs: this.elapsedMs() };
    void journal.append({ type: 'sub-task.failed', ...this.about(), data });
    this.end();
  }

  /** Attempts that were cut off by the end of a process don't count: they didn't fail. */
  private mayRetry(thrown: unknown): boolean {
    const { attempts, except } = this.subTask.retry;
    return !this.progress.retried && this.failures < attempts && !isOneOf(thrown, [JsonError, ...except]);
  }

  private nextDelay(): number {
    const { delayMs, maxDelayMs } = this.subTask.retry;
    const [wait] = fullJitterGenerator(Math.min(this.failures, 50) - 1, {
      generator: fullJitterGenerator,
      exponent: 2,
      initialDelay: delayMs,
      maxDelay: maxDelayMs,
    });
    return wait;
  }

  private retryIn(ms: number): void {
    this.untilRetry = setTimeout(() => {
      this.beginAttempt();
    }, ms);
  }

  /** What is recorded of a failure; the stack trace stays in the log. */
  private failureOf(error: unknown): AttemptError {
    const failure = Object.freeze(attemptError(error));
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
    this.surroundings.ended();
    this.surroundings.slots.release();
    this.ownSlots?.release();
  }

  private leaveLine(): void {
    if (this.surroundings.slots.leave(this)) this.ownSlots?.release();
    else if (this.ownTurn) this.ownSlots?.leave(this.ownTurn);
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
