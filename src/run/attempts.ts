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

/** The sub-task that makes the attempts. */
interface AttemptedSubTask {
  readonly name: string;
  /** Undefined when the service no longer has the sub-task. */
  readonly definition: SubTaskDefinition | undefined;
  append<T extends SubTaskEvent['type']>(type: T, data: RunEvent<T>['data']): void;
  /** Ends the sub-task with its result. */
  succeed(result: JsonValue, measures: Measures): void;
  /** Ends the sub-task without a result. */
  giveUp(error: AttemptError, measures?: Measures): void;
  /** Offers the next attempt to all nodes, after so many milliseconds. */
  place(delayMs: number): void;
}

/** Makes and records the attempts of one sub-task, one after the other. How an attempt ends decides whether the sub-task ends or another attempt follows. */
export class Attempts {
  /** How many attempts have begun so far, on any node, as far as is known. */
  count = 0;
  /** Why the next attempt starts, where it doesn't start with the run. */
  cause = WITH_ITS_RUN;
  /** Whether the sub-task is retried on request: then no attempt follows automatically. */
  retried = false;
  private failures = 0;
  /** When the first attempt began, on the clock of `performance.now()`; undefined before. */
  private startedAt: number | undefined;
  /** The attempt whose outcome counts. All others are fenced out: what they still bring is discarded. */
  private current: Attempt | undefined;
  private untilRetry: NodeJS.Timeout | undefined;
  /** When the next attempt was due in an earlier process. `retryDelayMs` is how long that process wanted to wait. */
  private retryAt: string | null = null;
  private retryDelayMs = 0;

  constructor(
    private readonly subTask: AttemptedSubTask,
    private readonly owner: SubTaskOwner,
  ) {}

  get name(): string {
    return this.subTask.name;
  }

  /** Time since the first attempt began, in milliseconds; 0 before. */
  get durationMs(): number {
    return this.startedAt === undefined ? 0 : elapsedMs(this.startedAt, this.owner.execution.clock);
  }

  /** Whether an earlier process was waiting to make the next attempt. */
  get wasWaiting(): boolean {
    return this.retryAt !== null;
  }

  /** The stream of the current attempt, where it has one. */
  get stream(): StreamReading | undefined {
    return this.current?.stream;
  }

  /** Takes over the recorded state. */
  restore({ attempts, failures, retries, startedAt, retryAt, retryDelayMs }: SubTaskRecord): void {
    this.count = attempts;
    this.failures = failures;
    this.retried = retries > 0;
    if (startedAt !== null) this.noteStart(startedAt);
    this.retryAt = retryAt;
    this.retryDelayMs = retryDelayMs;
  }

  /** Allows one more attempt, because somebody asks for it. */
  retry(): void {
    this.retried = true;
    this.startedAt = undefined;
    this.retryAt = null;
  }

  /** Begins the first attempt of this process when it is due. */
  begin(): void {
    this.startedAt ??= this.owner.execution.clock.elapsed();
    const untilRetryMs = this.retryAt === null ? 0 : Date.parse(this.retryAt) - this.now;
    // A clock that was set back in between must not make the wait longer than planned.
    if (untilRetryMs > 0) this.beginIn(Math.min(untilRetryMs, this.retryDelayMs));
    else this.beginNow();
  }

  /** Called for events of attempts that other nodes make. */
  madeElsewhere({ type, attempt, time }: SubTaskEvent): void {
    this.count = attempt;
    if (type === 'sub-task.started' && this.startedAt === undefined) this.noteStart(time);
  }

  /** Records that the sub-task is cancelled, after the progress and chunks of the current attempt. */
  cancel(reason: string): void {
    const { count, current, durationMs, subTask } = this;
    current?.flush();
    if (count === 0) subTask.append('sub-task.skipped', { reason });
    else subTask.append('sub-task.cancelled', { reason, durationMs, ...current?.measures });
  }

  /** Gives up the current attempt, and makes no other. */
  stop(): void {
    const { current } = this;
    this.owner.execution.clock.clearTimeout(this.untilRetry);
    current?.passage?.cancelled(current.measures.stream?.firstChunkMs);
    current?.giveUp();
    this.current = undefined;
  }

  /** Called when an attempt reports progress. */
  progressed(attempt: Attempt, value: JsonValue): void {
    if (attempt === this.current) this.subTask.append('sub-task.progressed', { value });
  }

  /** Called when the stream of an attempt has brought chunks. */
  streamed(attempt: Attempt, first: number, chunks: readonly JsonValue[]): void {
    if (attempt === this.current) this.subTask.append('sub-task.streamed', { first, chunks });
  }

  /** Called when an attempt has returned a value. */
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
