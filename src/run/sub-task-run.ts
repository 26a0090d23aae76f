import type { RunEvent, StartCause, SubTaskEvent } from '../core/events.js';
import { memoryBytes, type JsonValue } from '../core/json.js';
import { redacted } from '../core/redaction.js';
import { subTaskEvent } from '../core/new-event.js';
import { outcomeOf } from '../core/outcome.js';
import type { SubTaskRecord } from '../core/sub-task-record.js';
import { NO_FREE_SLOT, type AttemptError, type Obstacle } from '../core/run.js';
import type { SubTaskDefinition } from '../core/task.js';
import type { Attempt } from './attempt.js';
import { Attempts, WITH_ITS_RUN } from './attempts.js';
import type { SubTaskTaker } from './execution.js';
import { isForAnotherNode, isSpare, placedSubTask } from './placement.js';
import type { SlotLine } from './slots.js';
import type { StreamReading } from './stream-reading.js';
import type { SubTaskOwner } from './sub-task-owner.js';

/**
 * One sub-task of a live run: its state, whose transitions are appended to the journal, and its one outcome.
 *
 * - `held`: it starts later than its run, or never
 * - `waiting`: for a slot
 * - `leaving`: it waits until its key's turn to leave this node comes
 * - `running`: it has its slot, makes attempts, and waits between them
 * - `placed`: it left this node, and another node executes it
 * - `ended`: it has its outcome, or this process no longer executes it
 */
export class SubTaskRun {
  phase: 'held' | 'waiting' | 'leaving' | 'running' | 'placed' | 'ended' = 'ended';
  private readonly attempts: Attempts;
  /** Approximate memory of the result in bytes, while it is kept in memory. */
  resultBytes = 0;
  /** The result before redaction; undefined where nothing was redacted. */
  wholeResult: JsonValue | undefined;
  /** Whether the sub-task left the node of its run. Then its events are fenced. */
  private fenced: boolean;
  /** Why the sub-task is cancelled while it is placed. */
  private cancelReason: string | undefined;

  /** @param definition undefined when the service no longer has the sub-task */
  constructor(
    private readonly owner: SubTaskOwner,
    readonly name: string,
    readonly definition: SubTaskDefinition | undefined,
  ) {
    this.fenced = owner.isGuest;
    this.attempts = new Attempts(this, owner);
  }

  /** The key of its run: see `Fairness`. */
  get key(): string | undefined {
    return this.owner.terms.key;
  }

  /** Whether this process executes the sub-task or is going to execute it. */
  get isHere(): boolean {
    return this.phase !== 'ended' && this.phase !== 'placed';
  }

  /** Takes over the recorded state. Begins nothing. */
  restore(record: SubTaskRecord): void {
    if (record.result !== undefined) this.keepResult(record.result);
    this.attempts.restore(record);
  }

  /** Holds the sub-task until {@link start}. */
  hold(): void {
    this.phase = 'held';
    this.owner.changeHere(1);
  }

  /** Prepares the sub-task for {@link enqueue}. @param cause why it starts, if it doesn't start with its run */
  prepare(cause = WITH_ITS_RUN): void {
    if (this.phase !== 'held') this.owner.changeHere(1);
    this.phase = 'waiting';
    this.attempts.cause = cause;
    this.owner.changeWaiting(1);
  }

  /** Marks the sub-task as executed by another node. */
  becomePlaced(): void {
    this.phase = 'placed';
    this.fenced = true;
  }

  /** Starts the sub-task, which was held. */
  start(cause: StartCause): void {
    if (this.phase !== 'held') return;
    this.prepare(cause);
    this.enqueue();
  }

  /** Records that the sub-task's time had come when the hedge budget was spent. */
  holdBack(data: { readonly delayMs: number; readonly hedgeBudget: number }): void {
    this.append('sub-task.held-back', data);
  }

  /** Records a retry on request after a failure: one further attempt. */
  retry(error: AttemptError, key: string | undefined): void {
    const dueAt = new Date(this.owner.execution.journal.now()).toISOString();
    this.append('sub-task.retrying', { error, delayMs: 0, dueAt, ...(key !== undefined && { key }) });
    this.attempts.retry();
  }

  /** Begins as soon as the sub-task has its slots, unless it leaves this node. */
  enqueue(): void {
    if (this.phase !== 'waiting') return;
    const { owner, definition } = this;
    const refusal =
      definition?.breaker &&
      !this.attempts.wasWaiting &&
      owner.execution.breakers?.refusal(definition.breaker, owner.task, this.name);
    if (refusal) this.giveUp(refusal);
    else if (isForAnotherNode(owner, definition)) this.leaveInTurn();
    else if (isSpare(owner, this.attempts) && !owner.execution.hasFreeFor(this, owner.terms.definition))
      this.cancel(NO_FREE_SLOT);
    else this.slots.take(this);
  }

  /** Called when the sub-task has its slots. It keeps them until its outcome, also while it waits between retries. */
  begin(): void {
    this.phase = 'running';
    this.owner.changeWaiting(-1);
    this.attempts.begin();
  }

  /** Ends the sub-task because it is no longer needed. A result that still comes is discarded. */
  cancel(reason: string): void {
    if (this.phase === 'ended') return;
    if (this.phase === 'placed') {
      this.attempts.cancel((this.cancelReason ??= reason));
      return;
    }
    this.attempts.cancel(reason);
    this.rest('ended');
  }

  /** Records why the sub-task never begins. */
  neverBegin(obstacle: Obstacle): void {
    if (typeof obstacle === 'string') this.append('sub-task.skipped', { reason: obstacle });
    else this.fail(obstacle);
  }

  /** Records that the sub-task failed, without another attempt. */
  fail(error: AttemptError, measures?: Attempt['measures']): void {
    this.append('sub-task.failed', { error, durationMs: this.attempts.durationMs, ...measures });
  }

  /** Ends the sub-task without a result. */
  giveUp(error: AttemptError, measures?: Attempt['measures']): void {
    this.fail(error, measures);
    this.rest('ended');
  }

  /** Ends it with its result. */
  succeed(result: JsonValue, measures: Attempt['measures']): void {
    this.keepResult(result);
    const kept = redacted(result, this.owner.redaction?.result ?? []);
    if (kept !== result) this.wholeResult = result;
    const { durationMs } = this.attempts;
    this.append('sub-task.succeeded', { result: kept, durationMs, ...measures });
    this.rest('ended');
  }

  /** Ends the sub-task in this process without an outcome: another process resumes it from the journal. */
  abandon(): void {
    this.rest('ended');
  }

  /** Called for committed events of the sub-task, also for those of other nodes. */
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
    this.attempts.madeElsewhere(event);
    // This attempt began before the cancellation was committed. The cancellation named the attempt before, so it was fenced out.
    if (this.cancelReason !== undefined) this.attempts.cancel(this.cancelReason);
  }

  /** The stream of the current attempt, where it has one. */
  get stream(): StreamReading | undefined {
    return this.attempts.stream;
  }

  /** Drops the result from memory. */
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

  private get slots(): SlotLine<SubTaskTaker> {
    return this.owner.execution.lineOf(this, this.owner.terms.definition);
  }

  /** Leaves in its key's turn; without a key at once. */
  private leaveInTurn(): void {
    if (this.key === undefined || this.definition?.placement !== 'worker') {
      this.place();
      return;
    }
    this.phase = 'leaving';
    this.owner.changeWaiting(-1);
    this.owner.execution.placing.enter(this);
  }

  /** Offers the sub-task to all nodes, also to this one. */
  place(delayMs?: number): void {
    const { owner, definition, attempts } = this;
    owner.execution.journal.sharing?.place(owner, placedSubTask(owner, definition, attempts, delayMs));
    this.fenced = true;
    // The node of a guest's run keeps the sub-task as placed.
    this.rest(owner.isGuest ? 'ended' : 'placed');
  }

  /** Appends an event of the sub-task. */
  append<T extends SubTaskEvent['type']>(type: T, data: RunEvent<T>['data']): void {
    const { owner, name, attempts } = this;
    owner.append(subTaskEvent(owner, type, name, attempts.count, data), this.fenced);
  }

  /** Gives back the slots, or the place in the line. The phase changes before, because others may begin at once. */
  private rest(next: 'ended' | 'placed'): void {
    const { phase, owner } = this;
    if (phase === 'ended') return;
    this.phase = next;
    this.attempts.stop();
    if (phase === 'running') this.slots.release(this);
    else if (phase === 'waiting') {
      owner.changeWaiting(-1);
      this.slots.leave(this);
    }
    if (next === 'ended') owner.execution.placing.leave(this);
    if (phase !== 'placed') owner.changeHere(-1);
  }
}
