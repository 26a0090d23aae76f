import { setImmediate as nextTurn } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { filter, firstValueFrom, race, Subject, take, timer, type Subscription } from 'rxjs';
import { CONFIG, type Config } from '../config/config.js';
import { DomainError } from '../core/domain-error.js';
import type { RunRecord } from '../core/run-record.js';
import type { TaskDefinition } from '../core/task.js';
import { loggerOf } from '../core/logger-of.js';
import { Admission } from './admission.js';
import { endEach } from './end-each.js';
import { Execution } from './execution.js';
import { GuestSubTask } from './guest-sub-task.js';
import type { IdempotencyKey } from './idempotency-key.js';
import type { RunTerms } from './run-terms.js';
import type { Hosted, RunHost } from './run-host.js';
import { Run } from './run.js';
import { StartPlans } from './start-plans.js';
import type { SubTaskRun } from './sub-task-run.js';

/** Approximate memory of a live run in bytes, without input and results: sub-tasks, timers and connections. */
const RUN_BYTES = 8 * 2 ** 10;

/** The live runs of this process, by their ids, within its bounds. */
@Injectable()
export class Runs implements RunHost {
  readonly admission: Admission;
  private readonly logger = loggerOf('service');
  private readonly live = new Map<string, Run>();
  /** The sub-tasks of other nodes' runs that this process executes. */
  private readonly guests = new Set<Hosted & { leave(): void }>();
  /** How many sub-tasks this process executes or is going to execute. */
  private subTasksHere = 0;
  /** Emits when fewer runs wait for slots, a run has ended, or no sub-task is left. */
  private readonly eased = new Subject<void>();
  private concluding: { conclude(): void }[] = [];
  private readonly takesNewRuns: boolean;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    readonly execution: Execution,
    readonly plans: StartPlans,
  ) {
    this.admission = new Admission(execution, this.live, config.MAX_QUEUED_RUNS);
    this.takesNewRuns = config.ROLE !== 'worker';
  }

  /** Whether a stop has begun: from then on runs are refused. */
  get stopping(): boolean {
    return this.admission.stopping;
  }

  /** How many sub-tasks could begin at once. */
  get freeSlots(): number {
    // When memory is short, this node takes no further guests until its guests have ended: nodes with memory take them.
    const isShort = this.guests.size > 0 && !this.admission.hasMemory;
    return this.stopping || isShort ? 0 : this.execution.slots.freeCount;
  }

  /** How many unfinished runs this process executes, and how many of them wait for a slot. Sub-tasks of other nodes’ runs count too. */
  get counts() {
    return { active: this.live.size, queued: this.admission.queued };
  }

  /** A live run; undefined when its end is committed, or when this process doesn't execute it. */
  get(id: string): Run | undefined {
    return this.live.get(id);
  }

  /**
   * Starts a run: appends it to the journal, and begins all its sub-tasks that start at once, each as soon as it has a slot.
   *
   * @throws {DomainError} `worker-node` when new runs are for other nodes; what {@link Admission.admit} throws
   */
  start(terms: RunTerms, key?: IdempotencyKey): Run {
    if (!this.takesNewRuns)
      throw new DomainError('worker-node', 'This node takes no new runs; send it to another one');
    this.admission.admit(terms);
    const { plans, execution } = this;
    const ordered = plans.ordered(terms, execution.breakers);
    const run = Run.accept(this, execution.traced(ordered), key);
    this.add(run);
    run.begin();
    return run;
  }

  /** Resumes a run that another process began. For the parameters see {@link Run.resume}. */
  resume(terms: RunTerms, record: Readonly<RunRecord>, placed?: readonly string[]): Run {
    const run = Run.resume(this, this.execution.traced(terms, record), record, placed);
    this.add(run);
    run.begin();
    return run;
  }

  /** Reopens a run that is finished, so that a failed sub-task can be retried. */
  reopen(terms: RunTerms, record: Readonly<RunRecord>): Run {
    const run = Run.reopen(this, this.execution.traced(terms, record), record);
    this.add(run);
    return run;
  }

  /** Takes on a sub-task of another node's run. For the parameters see {@link GuestSubTask}. */
  takeOn(terms: RunTerms, record: Readonly<RunRecord>, name: string, onRefused: () => void): GuestSubTask {
    const guest = new GuestSubTask(this, this.execution.tracedGuest(terms, record), record, name, onRefused);
    this.guests.add(guest);
    this.execution.memory.take(RUN_BYTES + terms.inputBytes);
    return guest;
  }

  /** Calls `call` when the end of a live run is committed, or another node has the run. */
  whenGone(run: Run, call: () => void): Subscription {
    const isGone = () => this.live.get(run.id) !== run;
    return this.eased.pipe(filter(isGone), take(1)).subscribe(call);
  }

  /** Resolves when there is room: see {@link Admission.hasRoom}. */
  async roomInQueue(): Promise<void> {
    const { admission } = this;
    if (!admission.hasRoom) await firstValueFrom(this.eased.pipe(filter(() => admission.hasRoom)));
  }

  /** Resolves when the runs of these tasks that are here now have ended here. */
  async untilEnded(tasks: ReadonlySet<TaskDefinition | undefined>): Promise<void> {
    const left = new Set(this.hosted.filter((run) => tasks.has(run.terms.definition)));
    const isOver = (): boolean => {
      for (const run of left) {
        if (this.live.get(run.id) === run || this.guests.has(run)) return false;
        left.delete(run);
      }
      return true;
    };
    if (!isOver()) await firstValueFrom(this.eased.pipe(filter(isOver)));
  }

  /** Ends everything here without outcomes, and leaves all runs of this node to other nodes. */
  leaveAll(): void {
    this.abandonAll();
    for (const run of this.hosted) run.leave();
  }

  /**
   * Takes no more runs, waits for unfinished ones until the grace period ends, and then aborts them: they are cancelled,
   * or where the journal outlives the process, left to the next one.
   */
  async stop(): Promise<void> {
    this.admission.stopping = true;
    const { journal } = this.execution;
    const graceMs = this.config.SHUTDOWN_GRACE;
    if (this.subTasksHere > 0 && !journal.obstacle?.lasting) {
      this.logger.log(`Stopping: ${this.busy.length} unfinished runs have ${graceMs} ms to finish`);
      const idle = this.eased.pipe(filter(() => this.subTasksHere === 0));
      await firstValueFrom(race(idle, timer(graceMs)));
    }
    for (const { id: runId, here, originFields } of this.busy)
      this.logger.warn({ msg: `Stopped before it finished: ${here.join(', ')}`, runId, ...originFields });
    if (journal.durable) this.abandonAll();
    else
      endEach(this.subTasks, (subTask) => {
        subTask.cancel('the service stopped');
      });
    await journal.drain();
    await nextTurn();
    for (const run of this.live.values()) run.stop(false);
    this.logger.log('Stopped');
  }

  changeQueue(by: 1 | -1, key: string | undefined): void {
    this.admission.changeQueue(by, key);
    if (by === -1) this.eased.next();
  }

  changeHere(by: 1 | -1): void {
    this.subTasksHere += by;
    if (this.subTasksHere === 0) this.eased.next();
  }

  concludeSoon(run: { conclude(): void }): void {
    if (this.concluding.length === 0) queueMicrotask(this.concludeAll);
    this.concluding.push(run);
  }

  ended(run: Hosted): void {
    if (this.live.get(run.id) === run) this.live.delete(run.id);
    else if (!this.guests.delete(run as GuestSubTask)) return;
    for (const subTask of run.subTasks) subTask.forgetResult();
    this.execution.memory.give(RUN_BYTES + run.terms.inputBytes);
    this.eased.next();
  }

  private add(run: Run): void {
    this.live.set(run.id, run);
    this.execution.memory.take(RUN_BYTES + run.terms.inputBytes);
  }

  private get hosted(): (Hosted & { leave(): void })[] {
    return [...this.live.values(), ...this.guests];
  }

  /** The runs with sub-tasks that this process executes or is going to execute. */
  private get busy(): Hosted[] {
    return this.hosted.filter(({ here }) => here.length > 0);
  }

  private get subTasks(): SubTaskRun[] {
    return this.hosted.flatMap(({ subTasks }) => subTasks);
  }

  private abandonAll(): void {
    endEach(this.subTasks, (subTask) => {
      subTask.abandon();
    });
  }

  /** Called after all events of a batch, so that each reply takes all of them into account. */
  private readonly concludeAll = (): void => {
    const { concluding } = this;
    this.concluding = [];
    for (const run of concluding) run.conclude();
  };
}
