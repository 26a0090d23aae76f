import type { OriginFields } from '../core/run-origin.js';
import type { Execution } from './execution.js';
import type { RunTerms } from './run-terms.js';
import type { StartPlans } from './start-plans.js';
import type { SubTaskRun } from './sub-task-run.js';

/** What a process executes: a live run, or a sub-task of another node's run. */
export interface Hosted {
  readonly id: string;
  readonly terms: RunTerms;
  readonly originFields: OriginFields;
  readonly subTasks: readonly SubTaskRun[];
  /** The names of its sub-tasks that this process executes, or is to. */
  readonly here: string[];
}

/** What a run needs of the process that executes it. */
export interface RunHost {
  readonly execution: Execution;
  readonly plans: StartPlans;
  /** A run of a key begins to wait for slots (1), or waits no more (-1). */
  changeQueue(by: 1 | -1, key: string | undefined): void;
  /** A sub-task is this process's to execute (1), or is no more (-1). */
  changeHere(by: 1 | -1): void;
  /** Calls `conclude` when all events of the batch that is being told of are in. */
  concludeSoon(run: { conclude(): void }): void;
  /** Its end is committed, or another process has it. */
  ended(run: Hosted): void;
}
