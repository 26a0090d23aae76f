import { Inject, Injectable, Optional } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { Clock, systemClock } from '../core/clock.js';
import { MemoryBudget } from '../core/memory-budget.js';
import type { RunRecord } from '../core/run-record.js';
import type { SubTaskDefinition, TaskDefinition } from '../core/task.js';
import { Tracing } from '../tracing/tracing.js';
import { Breakers } from './breakers.js';
import { Journal } from './journal.js';
import { KeyBound } from './key-bound.js';
import type { RunTerms } from './run-terms.js';
import { Placing } from './placing.js';
import { Slots, type SlotLine, type Taker } from './slots.js';

/** A sub-task that takes slots. */
export interface SubTaskTaker extends Taker {
  readonly definition: SubTaskDefinition | undefined;
}

/** What all sub-tasks of this process share: slots, bounds, journal, clock and memory budget. */
@Injectable()
export class Execution {
  /** A retry that is due later than this, in milliseconds, leaves the node if there are other nodes. */
  static readonly laterMs: number = 5_000;

  /** The slots of all sub-tasks. */
  readonly slots: Slots<SubTaskTaker>;
  /** Lets sub-tasks with keys leave for workers in turns. */
  readonly placing = new Placing();
  readonly maxResultBytes: number;
  /** Slots of sub-tasks that declare their own `concurrency`. */
  private readonly ownSlots = new WeakMap<SubTaskDefinition, Slots<SubTaskTaker>>();
  /** Bounds of tasks that limit how many sub-tasks of one key run at once. */
  private readonly keyBounds = new WeakMap<TaskDefinition, KeyBound<SubTaskTaker>>();

  constructor(
    @Inject(CONFIG) config: Config,
    readonly journal: Journal,
    readonly memory: MemoryBudget,
    @Optional() readonly clock: Clock = systemClock,
    @Optional() @Inject(Tracing) private readonly tracing: Tracing | null = null,
    @Optional() @Inject(Breakers) readonly breakers: Breakers | null = null,
  ) {
    this.slots = new Slots(config.MAX_CONCURRENT_SUB_TASKS);
    this.maxResultBytes = config.MAX_RESULT_BYTES;
  }

  /** The slots that a sub-task takes: one of its own if it declares a `concurrency`, and one of all sub-tasks. */
  slotsOf(subTask: SubTaskDefinition | undefined): Slots<SubTaskTaker> {
    if (!subTask || subTask.concurrency === Infinity) return this.slots;
    let slots = this.ownSlots.get(subTask);
    if (!slots)
      this.ownSlots.set(subTask, (slots = new Slots<SubTaskTaker>(subTask.concurrency, () => this.slots)));
    return slots;
  }

  /** As {@link slotsOf}, and before them one slot of its key, where the task bounds keys. */
  lineOf({ definition }: SubTaskTaker, task: TaskDefinition | undefined): SlotLine<SubTaskTaker> {
    return this.keyBoundOf(task) ?? this.slotsOf(definition);
  }

  /** Whether all sub-tasks that start with a run of a task could begin now. Shadows don't count: they wait for no slot. */
  hasFree(task: TaskDefinition | undefined, key: string | undefined): boolean {
    if (!this.slots.hasFree || this.keyBoundOf(task)?.hasFree(key) === false) return false;
    return (
      task?.subTasks.every(
        (subTask, at) =>
          task.starts[at] !== 'at-once' ||
          task.shadows?.has(subTask.name) === true ||
          this.slotsOf(subTask).hasFree,
      ) ?? true
    );
  }

  /** Whether a sub-task could begin now. */
  hasFreeFor({ definition, key }: SubTaskTaker, task: TaskDefinition | undefined): boolean {
    if (!this.slots.hasFree || this.keyBoundOf(task)?.hasFree(key) === false) return false;
    return this.slotsOf(definition).hasFree;
  }

  private keyBoundOf(task: TaskDefinition | undefined): KeyBound<SubTaskTaker> | undefined {
    if (!task?.fairness || task.fairness.perKey === Infinity) return undefined;
    let bound = this.keyBounds.get(task);
    if (!bound) {
      bound = new KeyBound(task.fairness.perKey, ({ definition }) => this.slotsOf(definition));
      this.keyBounds.set(task, bound);
    }
    return bound;
  }

  /** The terms of a run with its spans, where traces are on. @param record of a run that another process began */
  traced(terms: RunTerms, record?: Readonly<RunRecord>): RunTerms {
    const { tracing, journal } = this;
    if (!tracing) return terms;
    return record ? tracing.resumed(terms, record, journal.now()) : tracing.accepted(terms, journal.now());
  }

  /** As {@link traced}, for another node's run of which this node executes a sub-task. */
  tracedGuest(terms: RunTerms, record: Readonly<RunRecord>): RunTerms {
    return this.tracing?.ofGuest(terms, record) ?? terms;
  }

  /** Lets the sub-tasks of a task share the slots of its earlier declaration, if that has the same number. */
  carryOver(before: TaskDefinition, after: TaskDefinition): void {
    const bound = before.fairness?.perKey === after.fairness?.perKey && this.keyBoundOf(before);
    if (bound) this.keyBounds.set(after, bound);
    for (const subTask of after.subTasks) {
      const same = before.subTasks.find(({ name }) => name === subTask.name);
      if (same?.concurrency === subTask.concurrency && subTask.concurrency !== Infinity)
        this.ownSlots.set(subTask, this.slotsOf(same));
    }
  }
}
