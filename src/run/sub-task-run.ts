import { elapsedMs, millisecondsSince } from '../core/duration.js';
import type { StartCause, SubTaskEvent } from '../core/events.js';
import { memoryBytes, toJson, type JsonValue } from '../core/json.js';
import { redacted } from '../core/redaction.js';
import { subTaskEvent } from '../core/new-event.js';
import { outcomeOf } from '../core/outcome.js';
import type { SubTaskRecord } from '../core/run-record.js';
import { NO_FREE_SLOT, type AttemptError, type Obstacle } from '../core/run.js';
import type { SubTaskDefinition } from '../core/task.js';
import { noted, recordedError, retryTermsOf } from './attempt-error.js';
import { Attempt } from './attempt.js';
import { Execution, type SubTaskTaker } from './execution.js';
import { retryAfter } from './retry-delay.js';
import type { SlotLine } from './slots.js';
import type { StreamReading } from './stream-reading.js';
import type { SubTaskOwner } from './sub-task-owner.js';

const WITH_ITS_RUN: StartCause = Object.freeze({});
const NOT_BEFORE = '; its breaker lets no attempt begin when the next one would';

/**
 * One sub-task of a live run: its attempts one after the other, each transition appended to the journal, and one outcome.
 *
 * - `held`: it starts later than its run, or never
 * - `waiting`: for a slot
 * - `leaving`: it waits for the turn of its key to leave this node
 * - `running`: it has its slot, makes attempts, and waits between them
 * - `placed`: it left this node, and another one executes it
 * - `ended`: it has its outcome, or this process has nothing to do with it
 */
export class SubTaskRun {
  phase: 'held' | 'waiting' | 'leaving' | 'running' | 'placed' | 'ended' = 'ended';
  /** What its result takes in memory, roughly, as long as it is kept there. */
  resultBytes = 0;
  /** Its result as it was before something was redacted; undefined where nothing was. */
  wholeResult: JsonValue | undefined;
  /** Attempts begun so far, on any node, as far as is known. */
  private attempts = 0;
  private failures = 0;
  /** Whether it is retried on request: then no attempt follows by itself. */
  private retried = false;
  /** When its first attempt began, on the clock of `performance.now()`; undefined before. */
  private startedAt: number | undefined;
  private cause = WITH_ITS_RUN;
  /** The attempt whose outcome counts. All others are fenced out: what they still bring is discarded. */
  private current: Attempt | undefined;
  private untilRetry: NodeJS.Timeout | undefined;
  /** When an earlier process wanted to make the next attempt, and after how long a wait. */
  private retryAt: string | null = null;
  private retryDelayMs = 0;
  /** Whether it left the node of its run: what is reported of it is fenced. */
  private fenced: boolean;
  /** Why it is cancelled, while it is placed. */
  private cancelReason: string | undefined;

  /** @param definition undefined when the service has it no more */
  constructor(
    private readonly owner: SubTaskOwner,
    readonly name: string,
    readonly definition: SubTaskDefinition | undefined,
  ) {
    this.fenced = owner.isGuest;
  }

  /** Whose it is: see `Fairness`. */
  get key(): string | undefined {
    return this.owner.terms.key;
  }

  /** Whether something of it goes on in this process, or is to. */
  get isHere(): boolean {
    return this.phase !== 'ended' && this.phase !== 'placed';
  }

  /** Takes over what is on record of it. Begins nothing. */
  restore({ attempts, failures, retries, startedAt, retryAt, retryDelayMs, result }: SubTaskRecord): void {
    if (result !== undefined) this.keepResult(result);
    this.attempts = attempts;
    this.failures = failures;
    this.retried = retries > 0;
    if (startedAt !== null)
      this.startedAt = this.owner.execution.clock.elapsed() - millisecondsSince(startedAt, this.now);
    this.retryAt = retryAt;
    this.retryDelayMs = retryDelayMs;
  }

  /** Keeps it until {@link start}. */
  hold(): void {
    this.phase = 'held';
    this.owner.changeHere(1);
  }

  /** Gets it ready: {@link enqueue} begins it. @param cause why it starts, where it doesn't start with its run */
  prepare(cause = WITH_ITS_RUN): void {
    if (this.phase !== 'held') this.owner.changeHere(1);
    this.phase = 'waiting';
    this.cause = cause;
    this.owner.changeWaiting(1);
  }

  /** Counts it as executed by another node. */
  becomePlaced(): void {
    this.phase = 'placed';
    this.fenced = true;
  }

  /** Starts one that is held. */
  start(cause: StartCause): void {
    if (this.phase !== 'held') return;
    this.prepare(cause);
    this.enqueue();
  }

  /** Records that its time had come, but that the hedge budget was spent. */
  holdBack(data: { readonly delayMs: number; readonly hedgeBudget: number }): void {
    this.append('sub-task.held-back', data);
  }

  /** Records that it is retried on request, after it has failed: one further attempt. */
  retry(error: AttemptError, key: string | undefined): void {
    const dueAt = new Date(this.now).toISOString();
    this.append('sub-task.retrying', { error, delayMs: 0, dueAt, ...(key !== undefined && { key }) });
    this.retried = true;
    this.startedAt = undefined;
    this.retryAt = null;
  }

  /** Begins as soon as it has its slots, unless it leaves this node. */
  enqueue(): void {
    if (this.phase !== 'waiting') return;
    const { owner, definition } = this;
    const refusal =
      definition?.breaker &&
      this.retryAt === null &&
      owner.execution.breakers?.refusal(definition.breaker, owner.task, this.name);
    if (refusal) this.failAtOnce(refusal);
    else if (this.isForAnotherNode()) this.leaveInTurn();
    else if (this.isSpare && !owner.execution.hasFreeFor(this, owner.terms.definition))
      this.cancel(NO_FREE_SLOT);
    else this.slots.take(this);
  }

  /** Called when it has its slots, which it keeps until its outcome, waits between retries included. */
  begin(): void {
    this.phase = 'running';
    this.startedAt ??= this.owner.execution.clock.elapsed();
    this.owner.changeWaiting(-1);
    const untilRetryMs = this.retryAt === null ? 0 : Date.parse(this.retryAt) - this.now;
    // A clock that was set back in between must not make the wait longer than it was to be.
    if (untilRetryMs > 0) this.retryIn(Math.min(untilRetryMs, this.retryDelayMs));
    else this.beginAttempt();
  }

  /** Ends it because it is not needed any more. What it still brings is discarded. */
  cancel(reason: string): void {
    if (this.phase === 'ended') return;
    if (this.phase === 'placed') {
      this.cancelReason ??= reason;
      this.appendCancelled(this.cancelReason);
      return;
    }
    this.current?.flush();
    this.appendCancelled(reason);
    this.rest('ended');
  }

  /** Records why it never begins. */
  neverBegin(obstacle: Obstacle): void {
    if (typeof obstacle === 'string') this.append('sub-task.skipped', { reason: obstacle });
    else this.fail(obstacle);
  }

  /** Records that it failed without another attempt. */
  fail(error: AttemptError, measures?: Attempt['measures']): void {
    this.append('sub-task.failed', { error, durationMs: this.durationMs, ...measures });
  }

  /** Ends it in this process without an outcome: another process resumes it from the journal. */
  abandon(): void {
    this.rest('ended');
  }

  /** Called for its committed events, also those of other nodes. */
  committed(event: SubTaskEvent): void {
    if (this.phase !== 'placed') return;
    if (event.type !== 'sub-task.held-back') this.owner.execution.placing.leave(this);
    if (outcomeOf(event)) {
      if (event.type === 'sub-task.succeeded') this.keepResult(event.data.result);
      this.phase = 'ended';
      this.fenced = false;
      this.cancelReason = undefined;
      return;
    }
    if (event.type === 'sub-task.progressed' || event.type === 'sub-task.streamed') return;
    this.attempts = event.attempt;
    if (event.type === 'sub-task.started')
      this.startedAt ??= this.owner.execution.clock.elapsed() - millisecondsSince(event.time, this.now);
    // The attempt began before the cancellation was committed, which told of the attempt before it and so was fenced out.
    if (this.cancelReason !== undefined) this.appendCancelled(this.cancelReason);
  }

  /** Called when its result leaves memory. */
  forgetResult(): void {
    if (this.resultBytes === 0) return;
    this.owner.execution.memory.give(this.resultBytes);
    this.resultBytes = 0;
    this.wholeResult = undefined;
  }

  private keepResult(result: JsonValue): void {
    this.resultBytes = memoryBytes(result);
    this.owner.execution.memory.take(this.resultBytes);
  }

  /** From the start of the first attempt, in milliseconds; 0 before. */
  private get durationMs(): number {
    return this.startedAt === undefined ? 0 : elapsedMs(this.startedAt, this.owner.execution.clock);
  }

  /** In milliseconds since 1970, by the clock of the journal. */
  private get now(): number {
    return this.owner.execution.journal.now();
  }

  /** Whether it takes only a slot that nobody else waits for: a shadow, unless somebody asked for it, or another node has a slot for it. */
  private get isSpare(): boolean {
    const { terms, isGuest } = this.owner;
    return terms.shadows?.includes(this.name) === true && !this.retried && !isGuest;
  }

  private get slots(): SlotLine<SubTaskTaker> {
    return this.owner.execution.lineOf(this, this.owner.terms.definition);
  }

  private isForAnotherNode(): boolean {
    const { execution, isGuest, redaction } = this.owner;
    const { sharing } = execution.journal;
    if (!sharing || isGuest || redaction || this.definition?.stream) return false;
    return this.definition?.placement === 'worker' || (!execution.slots.hasFree && sharing.takeIdleSlot());
  }

  /** Without a key, at once. */
  private leaveInTurn(): void {
    if (this.key === undefined || this.definition?.placement !== 'worker') {
      this.place();
      return;
    }
    this.phase = 'leaving';
    this.owner.changeWaiting(-1);
    this.owner.execution.placing.enter(this);
  }

  /** Gives it to whichever node takes it on, perhaps this one. */
  place(delayMs?: number): void {
    const { owner, attempts, name } = this;
    owner.execution.journal.sharing?.place(owner, {
      runId: owner.id,
      task: owner.task,
      subTask: name,
      attempts,
      worker: this.definition?.placement === 'worker',
      delayMs,
      cause: attempts === 0 ? this.cause : undefined,
    });
    this.fenced = true;
    // A guest's run keeps it as placed at its own node.
    this.rest(owner.isGuest ? 'ended' : 'placed');
  }

  /** Fails it because its breaker lets no attempt begin. */
  private failAtOnce(refusal: AttemptError): void {
    this.fail(refusal);
    this.rest('ended');
  }

  private appendCancelled(reason: string): void {
    if (this.attempts === 0) this.append('sub-task.skipped', { reason });
    else
      this.append('sub-task.cancelled', { reason, durationMs: this.durationMs, ...this.current?.measures });
  }

  private beginAttempt(): void {
    const { owner, definition } = this;
    if (!definition) return;
    const passage =
      definition.breaker && owner.execution.breakers?.admit(definition.breaker, owner.task, this.name);
    if (passage && 'code' in passage) {
      this.failAtOnce(passage);
      return;
    }
    this.attempts += 1;
    const trace = owner.terms.trace?.begin(this.name, this.attempts, this.cause, this.now);
    this.append('sub-task.started', trace ? { ...this.cause, traceparent: trace.traceparent } : this.cause);
    this.cause = WITH_ITS_RUN;
    this.current = new Attempt(this, owner, this.attempts, definition.timeoutMs, trace, passage);
    this.current.run(definition.handler, definition.stream);
  }

  /** Called when an attempt has come so far. */
  progressed(attempt: Attempt, value: JsonValue): void {
    if (attempt === this.current) this.append('sub-task.progressed', { value });
  }

  /** Called when the stream of an attempt has brought chunks. */
  streamed(attempt: Attempt, first: number, chunks: readonly JsonValue[]): void {
    if (attempt === this.current) this.append('sub-task.streamed', { first, chunks });
  }

  /** The stream of its attempt, where that has one. */
  get stream(): StreamReading | undefined {
    return this.current?.stream;
  }

  /** Called when an attempt has brought something. */
  returned(attempt: Attempt, value: unknown): void {
    if (attempt !== this.current) return;
    let result: JsonValue;
    try {
      result = toJson(value, this.owner.execution.maxResultBytes);
    } catch (error) {
      this.failed(attempt, error);
      return;
    }
    attempt.flush();
    attempt.stream?.stop();
    attempt.passage?.succeeded(attempt.measures.stream?.firstChunkMs);
    this.current = undefined;
    this.keepResult(result);
    const kept = redacted(result, this.owner.redaction?.result ?? []);
    if (kept !== result) this.wholeResult = result;
    this.append('sub-task.succeeded', { result: kept, durationMs: this.durationMs, ...attempt.measures });
    this.rest('ended');
  }

  /** Called when an attempt has thrown, or timed out. */
  failed(attempt: Attempt, thrown: unknown): void {
    if (attempt !== this.current) return;
    const { definition, owner } = this;
    attempt.flush();
    const wasShown = attempt.stream?.mayHaveBeenShown && owner.terms.onBreak !== 'restart';
    attempt.stream?.stop();
    this.current = undefined;
    this.failures += 1;
    const mayFollow = this.retried || wasShown ? undefined : definition;
    const { delayMs, note } = retryAfter(mayFollow, this.failures, thrown, owner.endsAt - this.now);
    const error = recordedError(thrown, owner, this.name, this.attempts, note);
    const { retryAfterMs } = retryTermsOf(thrown);
    const waitMs = attempt.passage?.failed(error, retryAfterMs, attempt.measures.stream?.firstChunkMs) ?? 0;
    if (delayMs === undefined || delayMs < waitMs) {
      this.fail(delayMs === undefined ? error : noted(error, NOT_BEFORE), attempt.measures);
      this.rest('ended');
      return;
    }
    const dueAt = new Date(this.now + delayMs).toISOString();
    this.append('sub-task.retrying', { error, delayMs, dueAt, ...attempt.measures });
    const { journal } = owner.execution;
    const mayLeave = journal.sharing && !owner.redaction && !definition?.stream;
    if (delayMs > Execution.laterMs && mayLeave) this.place(delayMs);
    else this.retryIn(delayMs);
  }

  private retryIn(ms: number): void {
    this.untilRetry = this.owner.execution.clock.setTimeout(() => {
      this.beginAttempt();
    }, ms);
  }

  private append<T extends SubTaskEvent['type']>(
    type: T,
    data: Extract<SubTaskEvent, { readonly type: T }>['data'],
  ): void {
    const { owner, name, attempts } = this;
    owner.append(subTaskEvent(owner, type, name, attempts, data), this.fenced);
  }

  /** Gives back its slots, or its place in the line for them. Others may begin at once, so its phase changes before. */
  private rest(next: 'ended' | 'placed'): void {
    const { phase, owner } = this;
    if (phase === 'ended') return;
    owner.execution.clock.clearTimeout(this.untilRetry);
    this.phase = next;
    if (phase === 'running') {
      this.current?.passage?.cancelled(this.current.measures.stream?.firstChunkMs);
      this.current?.giveUp();
      this.current = undefined;
      this.slots.release(this);
    } else if (phase === 'waiting') {
      owner.changeWaiting(-1);
      this.slots.leave(this);
    }
    if (next === 'ended') owner.execution.placing.leave(this);
    if (phase !== 'placed') owner.changeHere(-1);
  }
}

/** Ends sub-tasks. Those that wait for a slot go first: else the slots that the others give back would begin them. */
export function endEach(subTasks: readonly SubTaskRun[], end: (subTask: SubTaskRun) => void): void {
  for (const subTask of subTasks)
    if (subTask.phase === 'waiting' || subTask.phase === 'leaving') end(subTask);
  for (const subTask of subTasks) end(subTask);
}
