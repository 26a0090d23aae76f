import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { BehaviorSubject, filter, firstValueFrom, merge, race, timer } from 'rxjs';
import type { Config } from '../config/config.js';
import type { RunEvent, StartCause } from '../core/events.js';
import { Journal, type IdempotencyKey } from './journal.js';
import type { AcceptedRun } from '../tasks/accepted-run.js';
import { DomainError } from '../core/domain-error.js';
import { originFields } from '../core/run-origin.js';
import type { SubTaskDefinition, TaskDefinition } from '../core/task.js';
import type { AttemptOf } from './attempt.js';
import {
  Batch,
  NOT_BEGUN,
  type EngineRun,
  type Leave,
  type Manner,
  type Progress,
  type Surroundings,
} from './batch.js';
import { Slots } from './slots.js';
import { SubTaskExecution } from './sub-task-execution.js';
import { SubTasksElsewhere } from './sub-tasks-elsewhere.js';

/** While fewer runs than this wait for slots, and half of those that may, runs of an earlier process are taken up. */
const ROOMY_QUEUE = 100;

/** A sub-task to get ready. */
export type SubTaskToPrepare = readonly [subTask: SubTaskDefinition, progress: Progress, manner?: Manner];

/** Executes runs in this process, within its bounds; what is for other nodes leaves it. */
@Injectable()
export class EmbeddedEngine {
  /** Some callers' inputs take twenty times the memory that their text does; this keeps them from filling it. */
  static readonly maxInputBytesInFlight: number = 256 * 2 ** 20;

  private readonly logger = new Logger(EmbeddedEngine.name);
  private readonly slots: Slots;
  /** The slots of the sub-tasks that declare a `concurrency` of their own. */
  private readonly ownSlots = new Map<SubTaskDefinition, Slots>();
  private readonly runs = new Map<string, readonly SubTaskExecution[]>();
  private readonly unfinishedRuns = new BehaviorSubject(0);
  /** How many runs have a sub-task that waits for a slot. */
  private readonly queued = new BehaviorSubject(0);
  /** What the inputs of unfinished runs take in memory, roughly. */
  private inputBytes = 0;
  private stopped = false;
  private readonly maxQueuedRuns: number;
  private readonly surroundings: Surroundings;
  private readonly elsewhere: SubTasksElsewhere;
  constructor(
    private readonly config: ConfigService<Config, true>,
    private readonly journal: Journal,
  ) {
    this.slots = new Slots(config.get('MAX_CONCURRENT_SUB_TASKS', { infer: true }));
    this.maxQueuedRuns = config.get('MAX_QUEUED_RUNS', { infer: true });
    const maxResultBytes = config.get('MAX_RESULT_BYTES', { infer: true });
    this.elsewhere = new SubTasksElsewhere(journal);
    this.surroundings = {
      journal,
      sharing: journal.sharing,
      leave: (subTask) => {
        this.leave(subTask);
      },
      maxResultBytes,
      slots: this.slots,
      changeQueue: (by) => {
        this.queued.next(this.queued.value + by);
      },
      release: (run) => {
        this.release(run);
      },
    };
  }

  /** Whether a stop has begun: from then on runs are refused. */
  get stopping(): boolean {
    return this.stopped;
  }

  /**
   * Opens a run in the journal and starts all its sub-tasks that start at once, each as soon as it has a slot; it holds
   * the slot until its outcome, waits between retries included. The others are held.
   *
   * @returns what resolves when the journal has the run
   * @throws {DomainError} `overloaded` when too many runs wait for slots or the journal falls behind,
   * `journal-unavailable` when it can't be written, `worker-node` when new runs are for other nodes, `stopping` once a stop has begun
   */
  execute(run: AcceptedRun, key?: IdempotencyKey): Promise<void> {
    const { subTasks, starts } = run.task;
    const { requestId, traceparent } = run.origin;
    if (this.config.get('ROLE', { infer: true }) === 'worker')
      throw new DomainError('worker-node', 'This node takes no new runs; send it to another one');
    this.admit(run.task, run.inputBytes);
    const accepted = this.journal.append(
      {
        type: 'run.started',
        runId: run.id,
        task: run.task.name,
        data: {
          input: run.input,
          replyPolicy: run.replyPolicy,
          losers: run.losers,
          subTasks: subTasks.map(({ name }) => name),
          ...(typeof requestId === 'string' && { requestId }),
          ...(typeof traceparent === 'string' && { traceparent }),
        },
      },
      key,
    );
    const begin = this.prepare(
      run,
      subTasks.map((subTask, index) => [subTask, NOT_BEGUN, { held: starts[index] !== 'at-once' }] as const),
    );
    begin();
    return accepted;
  }

  /** Whether a sub-task of a run is under way, here or elsewhere, waits for a slot, or is held. */
  executes(runId: string, subTask: string): boolean {
    return this.elsewhere.has(runId, subTask) || this.executionOf(runId, subTask) !== undefined;
  }

  /** How many sub-tasks could begin at once. */
  get freeSlots(): number {
    return this.stopped ? 0 : this.slots.freeCount;
  }

  /**
   * Gets sub-tasks of a run ready: new ones, what a process that ended has left of them, or those that are tried again.
   *
   * @returns what begins those that aren't held and weren't cancelled since
   */
  prepare(run: EngineRun, subTasks: readonly SubTaskToPrepare[]): () => void {
    if (subTasks.length === 0) return () => undefined;
    this.inputBytes += run.inputBytes;
    const batch = new Batch(run, subTasks.length, this.surroundings);
    const executions = subTasks.map(
      ([subTask, progress, manner = {}]) =>
        new SubTaskExecution(batch, subTask, progress, this.ownSlotsOf(subTask), manner),
    );
    this.runs.set(run.id, [...(this.runs.get(run.id) ?? []), ...executions]);
    this.unfinishedRuns.next(this.runs.size);
    return () => {
      for (const execution of executions) execution.enqueue();
    };
  }

  /** Whether a sub-task of a run is held: it waits for {@link start}. */
  holds(runId: string, subTask: string): boolean {
    return this.heldOf(runId, subTask) !== undefined;
  }

  /** Starts a sub-task that is held as soon as it has a slot; nothing when it is held no more. */
  start(runId: string, subTask: string, cause: StartCause): void {
    this.heldOf(runId, subTask)?.start(cause);
  }

  /** Skips the sub-tasks of a run that are held. */
  skipHeld(runId: string, reason: string): void {
    for (const execution of this.runs.get(runId) ?? []) if (execution.held) execution.cancel(reason);
  }

  /** Resolves when a run of an earlier process can be taken up without a flood, and new runs still find room. */
  async roomInQueue(): Promise<void> {
    const roomy = Math.min(ROOMY_QUEUE, this.maxQueuedRuns / 2);
    const hasRoom = () => this.queued.value < roomy && this.inputBytes < EmbeddedEngine.maxInputBytesInFlight;
    await firstValueFrom(merge(this.queued, this.unfinishedRuns).pipe(filter(hasRoom)));
  }

  /** Cancels what is unfinished of a run; nothing when all has ended. */
  cancel(runId: string, reason: string): void {
    cancelAll(this.runs.get(runId) ?? [], reason);
    this.elsewhere.cancel(runId, reason);
  }

  /** To be told of every event of the runs of this node. */
  heard(event: RunEvent): void {
    this.elsewhere.heard(event);
  }

  /** Counts a sub-task of a run of this node as under way elsewhere, which it is since another node had the run. */
  isElsewhere(about: AttemptOf, startedAt: string | null): void {
    this.elsewhere.add(about, startedAt);
  }

  /** Ends a sub-task here, without an outcome: that is somebody else's to record. */
  abandon(runId: string, subTask: string): void {
    this.executionOf(runId, subTask)?.abandon();
  }

  /** Ends everything here, without outcomes: other nodes go on with it. */
  abandonAll(): void {
    this.elsewhere.clear();
    endAll([...this.runs.values()].flat(), (execution) => {
      execution.abandon();
    });
  }

  /**
   * Takes no more runs, gives those that are unfinished the grace period to finish, then aborts them: they are cancelled,
   * or where the journal outlives the process, left to the next one.
   */
  async stop(): Promise<void> {
    this.stopped = true;
    const graceMs = this.config.get('SHUTDOWN_GRACE', { infer: true });
    if (this.runs.size > 0) {
      this.logger.log(
        `Stopping: ${String(this.runs.size)} unfinished runs have ${String(graceMs)} ms to finish`,
      );
      const idle = this.unfinishedRuns.pipe(filter((count) => count === 0));
      await firstValueFrom(race(idle, timer(graceMs)));
    }
    for (const [runId, executions] of this.runs) {
      const left = executions.filter(({ unfinished }) => unfinished).map(({ subTask }) => subTask.name);
      const origin = originFields(executions[0]?.run.origin ?? {});
      this.logger.warn({ msg: `Stopped before it finished: ${left.join(', ')}`, runId, ...origin });
    }
    if (this.journal.durable) this.abandonAll();
    else cancelAll([...this.runs.values()].flat(), 'the service stopped');
    await this.journal.drain();
    await nextTurn();
    this.logger.log('Stopped');
  }

  /** @throws {DomainError} what {@link execute} does */
  admit(task: TaskDefinition | undefined, inputBytes: number): void {
    if (this.stopped) throw new DomainError('stopping', 'The service is stopping and takes no new runs');
    if (this.inputBytes + inputBytes > EmbeddedEngine.maxInputBytesInFlight && this.runs.size > 0) {
      throw new DomainError('overloaded', 'The inputs of unfinished runs take as much memory as is allowed');
    }
    const { obstacle } = this.journal;
    if (obstacle) throw new DomainError(obstacle.code, obstacle.message);
    const queuedRuns = this.queued.value;
    if (queuedRuns < this.maxQueuedRuns) return;
    const starting = task?.subTasks.filter((_subTask, index) => task.starts[index] === 'at-once') ?? [];
    const waits =
      !this.slots.hasFree || starting.some((subTask) => this.ownSlotsOf(subTask)?.hasFree === false);
    if (waits) throw new DomainError('overloaded', `${queuedRuns} runs wait for a free slot, as many as may`);
  }

  private executionOf(runId: string, name: string): SubTaskExecution | undefined {
    return this.runs.get(runId)?.find(({ unfinished, subTask }) => unfinished && subTask.name === name);
  }

  /** One that this node took on for another one's run is that node's to know of. */
  private leave({ about, startedAt, tookOn, ...placed }: Leave): void {
    if (!tookOn) this.elsewhere.add(about, startedAt);
    const { attempt: attempts, ...of } = about;
    this.journal.sharing?.place({ ...of, attempts, ...placed });
  }

  private heldOf(runId: string, name: string): SubTaskExecution | undefined {
    return this.runs.get(runId)?.find(({ held, subTask }) => held && subTask.name === name);
  }

  private ownSlotsOf(subTask: SubTaskDefinition): Slots | undefined {
    if (subTask.concurrency === Infinity) return undefined;
    let slots = this.ownSlots.get(subTask);
    if (!slots) this.ownSlots.set(subTask, (slots = new Slots(subTask.concurrency)));
    return slots;
  }

  private release({ id, inputBytes }: EngineRun): void {
    this.inputBytes -= inputBytes;
    if (this.runs.get(id)?.some(({ unfinished }) => unfinished)) return;
    this.runs.delete(id);
    this.unfinishedRuns.next(this.runs.size);
  }
}

function cancelAll(executions: readonly SubTaskExecution[], reason: string): void {
  endAll(executions, (execution) => {
    execution.cancel(reason);
  });
}

/** Those that wait for a slot go first: else the slots that the others give back would begin them. */
function endAll(executions: readonly SubTaskExecution[], end: (execution: SubTaskExecution) => void): void {
  for (const execution of executions.filter(({ waiting }) => waiting)) end(execution);
  for (const execution of executions) end(execution);
}
