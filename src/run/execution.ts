import { Inject, Injectable, Optional } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { Clock, systemClock } from '../core/clock.js';
import { MemoryBudget } from '../core/memory-budget.js';
import type { RunRecord } from '../core/run-record.js';
import type { SubTaskDefinition, TaskDefinition } from '../core/task.js';
import { Tracing } from '../tracing/tracing.js';
import { Journal } from './journal.js';
import type { RunTerms } from './run-terms.js';
import { Slots } from './slots.js';

/** What all sub-tasks that this process executes share: their slots, their bounds, their journal, their clock and what they may take in memory. */
@Injectable()
export class Execution {
  /** A retry that is due later than this, in milliseconds, leaves the node where there are others. */
  static readonly laterMs: number = 5_000;

  /** The slots of all sub-tasks. */
  readonly slots: Slots;
  readonly maxResultBytes: number;
  /** The slots of the sub-tasks that declare a `concurrency` of their own. */
  private readonly ownSlots = new WeakMap<SubTaskDefinition, Slots>();

  constructor(
    @Inject(CONFIG) config: Config,
    readonly journal: Journal,
    readonly memory: MemoryBudget,
    @Optional() readonly clock: Clock = systemClock,
    @Optional() @Inject(Tracing) private readonly tracing: Tracing | null = null,
  ) {
    this.slots = new Slots(config.MAX_CONCURRENT_SUB_TASKS);
    this.maxResultBytes = config.MAX_RESULT_BYTES;
  }

  /** The slots that a sub-task takes: one of its own over all runs, where it declares a `concurrency`, and one of all. */
  slotsOf(subTask: SubTaskDefinition | undefined): Slots {
    if (!subTask || subTask.concurrency === Infinity) return this.slots;
    let slots = this.ownSlots.get(subTask);
    if (!slots) this.ownSlots.set(subTask, (slots = new Slots(subTask.concurrency, this.slots)));
    return slots;
  }

  /** The terms of a run with its spans, where traces are on. @param record of a run that another process began */
  traced(terms: RunTerms, record?: Readonly<RunRecord>): RunTerms {
    const { tracing, journal } = this;
    if (!tracing) return terms;
    return record ? tracing.resumed(terms, record, journal.now()) : tracing.accepted(terms, journal.now());
  }

  /** The same of another node's run, of which this one executes a sub-task. */
  tracedGuest(terms: RunTerms, record: Readonly<RunRecord>): RunTerms {
    return this.tracing?.ofGuest(terms, record) ?? terms;
  }

  /** Lets the sub-tasks of a task share the slots of an earlier declaration of it, where that has as many. */
  carryOver(before: TaskDefinition, after: TaskDefinition): void {
    for (const subTask of after.subTasks) {
      const same = before.subTasks.find(({ name }) => name === subTask.name);
      if (same?.concurrency === subTask.concurrency && subTask.concurrency !== Infinity)
        this.ownSlots.set(subTask, this.slotsOf(same));
    }
  }
}
