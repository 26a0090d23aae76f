import { elapsedMs, millisecondsSince } from '../core/duration.js';
import type { RunEvent, StartCause, SubTaskEvent } from '../core/events.js';
import { toJson, type JsonValue } from '../core/json.js';
import type { SubTaskRecord } from '../core/sub-task-record.js';
import type { AttemptError } from '../core/run.js';
import type { SubTaskDefinition } from '../core/task.js';
import { noted, recordedError, retryTermsOf } from './attempt-error.js';
import { Attempt } from './attempt.js';
import { Execution } from './execution.js';
import { retryAfter } from './retry-delay.js';
import type { StreamReading } from './stream-reading.js';
import type { SubTaskOwner } from './sub-task-owner.js';

export const WITH_ITS_RUN: StartCause = Object.freeze({});
const NOT_BEFORE = '; its breaker lets no attempt begin when the next one would';

type Measures = Attempt['measures'];

/** The sub-task whose attempts they are. */
interface AttemptedSubTask {
  readonly name: string;
  /** Undefined when the service has it no more. */
  readonly definition: SubTaskDefinition | undefined;
  append<T extends SubTaskEvent['type']>(type: T, data: RunEvent<T>['data']): void;
  /** Ends it with its result. */
  succeed(result: JsonValue, measures: Measures): void;
  /** Ends it without one. */
  giveUp(error: AttemptError, measures?: Measures): void;
  /** Lets whichever node makes the next attempt, so many milliseconds later. */
  place(delayMs: number): void;
}

/** The attempts of one sub-task, one after the other. Each is recorded, and what it brings ends the sub-task or lets another one follow. */
export class Attempts {
  /** Begun so far, on any node, as far as is known. */
  count = 0;
  /** Why the next one starts, where it doesn't start with its run. */
  cause = WITH_ITS_RUN;
  /** Whether it is retried on request: then no attempt follows by itself. */
  retried = false;
  private failures = 0;
  /** When the first began, on the clock of `performance.now()`; undefined before. */
  private startedAt: number | undefined;
  /** The attempt whose outcome counts. All others are fenced out: what they still bring is discarded. */
  private current: Attempt | undefined;
  private untilRetry: NodeJS.Timeout | undefined;
  /** When an earlier process wanted to make the next attempt, and after how long a wait. */
  private retryAt: string | null = null;
  private retryDelayMs = 0;

  constructor(
    private readonly subTask: AttemptedSubTask,
    private readonly owner: SubTaskOwner,
  ) {}

  get name(): string {
    return this.subTask.name;
  }

  /** From the start of the first, in milliseconds; 0 before. */
  get durationMs(): number {
    return this.startedAt === undefined ? 0 : elapsedMs(this.startedAt, this.owner.execution.clock);
  }

  /** Whether an earlier process was waiting to make the next one. */
  get wasWaiting(): boolean {
    return this.retryAt !== null;
  }

  /** The stream of the one that goes on, where that has one. */
  get stream(): StreamReading | undefined {
    return this.current?.stream;
  }

  /** The stream of one attempt, while that goes on. */
  streamOf(attempt: number): StreamReading | undefined {
    return this.current?.attempt === attempt ? this.current.stream : undefined;
  }

  /** Takes over what is on record. */
  restore({ attempts, failures, retries, startedAt, retryAt, retryDelayMs }: SubTaskRecord): void {
    this.count = attempts;
    this.failures = failures;
    this.retried = retries > 0;
    if (startedAt !== null) this.noteStart(startedAt);
    this.retryAt = retryAt;
    this.retryDelayMs = retryDelayMs;
  }

  /** Lets one more follow, because somebody asks for it. */
  retry(): void {
    this.retried = true;
    this.startedAt = undefined;
    this.retryAt = null;
  }

  /** Begins the first of this process, when it is due. */
  begin(): void {
    this.startedAt ??= this.owner.execution.clock.elapsed();
    const untilRetryMs = this.retryAt === null ? 0 : Date.parse(this.retryAt) - this.now;
    // A clock that was set back in between must not make the wait longer than it was to be.
    if (untilRetryMs > 0) this.beginIn(Math.min(untilRetryMs, this.retryDelayMs));
    else this.beginNow();
  }

  /** Called for what other nodes tell of theirs. */
  madeElsewhere({ type, attempt, time }: SubTaskEvent): void {
    this.count = attempt;
    if (type === 'sub-task.started' && this.startedAt === undefined) this.noteStart(time);
  }

  /** Records that the sub-task is cancelled, behind what the one that goes on has said so far. */
  cancel(reason: string): void {
    const { count, current, durationMs, subTask } = this;
    current?.flush();
    if (count === 0) subTask.append('sub-task.skipped', { reason });
    else subTask.append('sub-task.cancelled', { reason, durationMs, ...current?.measures });
  }

  /** Gives up the one that goes on, and makes no other. */
  stop(): void {
    const { current } = this;
    this.owner.execution.clock.clearTimeout(this.untilRetry);
    current?.passage?.cancelled(current.measures.stream?.firstChunkMs);
    current?.giveUp();
    this.current = undefined;
  }

  /** Called when an attempt has come so far. */
  progressed(attempt: Attempt, value: JsonValue): void {
    if (attempt === this.current) this.subTask.append('sub-task.progressed', { value });
  }

  /** Called when the stream of an attempt has brought chunks. */
  streamed(attempt: Attempt, first: number, chunks: readonly JsonValue[]): void {
    if (attempt === this.current) this.subTask.append('sub-task.streamed', { first, chunks });
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
    this.subTask.succeed(result, attempt.measures);
  }

  /** Called when an attempt has thrown, or timed out. */
  failed(attempt: Attempt, thrown: unknown): void {
    if (attempt !== this.current) return;
    const { owner, subTask } = this;
    const { definition } = subTask;
    attempt.flush();
    const wasShown = attempt.stream?.mayHaveBeenShown && owner.terms.onBreak !== 'restart';
    attempt.stream?.stop();
    this.current = undefined;
    this.failures += 1;
    const mayFollow = this.retried || wasShown ? undefined : definition;
    const { delayMs, note } = retryAfter(mayFollow, this.failures, thrown, owner.endsAt - this.now);
    const error = recordedError(thrown, owner, subTask.name, this.count, note);
    const { retryAfterMs } = retryTermsOf(thrown);
    const waitMs = attempt.passage?.failed(error, retryAfterMs, attempt.measures.stream?.firstChunkMs) ?? 0;
    if (delayMs === undefined || delayMs < waitMs) {
      subTask.giveUp(delayMs === undefined ? error : noted(error, NOT_BEFORE), attempt.measures);
      return;
    }
    const dueAt = new Date(this.now + delayMs).toISOString();
    subTask.append('sub-task.retrying', { error, delayMs, dueAt, ...attempt.measures });
    const { journal } = owner.execution;
    const mayLeave = journal.sharing && !owner.redaction && !definition?.stream;
    if (delayMs > Execution.laterMs && mayLeave) subTask.place(delayMs);
    else this.beginIn(delayMs);
  }

  /** In milliseconds since 1970, by the clock of the journal. */
  private get now(): number {
    return this.owner.execution.journal.now();
  }

  private noteStart(time: string): void {
    this.startedAt = this.owner.execution.clock.elapsed() - millisecondsSince(time, this.now);
  }

  private beginIn(ms: number): void {
    this.untilRetry = this.owner.execution.clock.setTimeout(() => {
      this.beginNow();
    }, ms);
  }

  private beginNow(): void {
    const { owner, subTask } = this;
    const { name, definition } = subTask;
    if (!definition) return;
    const passage =
      definition.breaker && owner.execution.breakers?.admit(definition.breaker, owner.task, name);
    if (passage && 'code' in passage) {
      subTask.giveUp(passage);
      return;
    }
    this.count += 1;
    const trace = owner.terms.trace?.begin(name, this.count, this.cause, this.now);
    subTask.append(
      'sub-task.started',
      trace ? { ...this.cause, traceparent: trace.traceparent } : this.cause,
    );
    this.cause = WITH_ITS_RUN;
    this.current = new Attempt(this, owner, this.count, definition.timeoutMs, trace, passage);
    this.current.run(definition.handler, definition.stream);
  }
}
