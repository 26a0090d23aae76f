import type { OriginFields } from '../core/run-origin.js';
import type { Execution } from './execution.js';
import type { RunTerms } from './run-terms.js';
import type { StartPlans } from './start-plans.js';
import type { SubTaskRun } from './sub-task-run.js';

/** A live run, or a sub-task of another node's run, that this process executes. */
export interface Hosted {
  readonly id: string;
  readonly terms: RunTerms;
  readonly originFields: OriginFields;
  readonly subTasks: readonly SubTaskRun[];
  /** Names of the sub-tasks that this process executes or is going to execute. */
  readonly here: string[];
}

/** What a run needs of the process that executes it. */
export interface RunHost {
  readonly execution: Execution;
  readonly plans: StartPlans;
  /** A run of a key begins to wait for slots (1), or waits no more (-1). */
  changeQueue(by: 1 | -1, key: string | undefined): void;
  /** Counts that this process is to execute a sub-task (1), or no longer (-1). */
  changeHere(by: 1 | -1): void;
  /** Calls `conclude` when the run was told of all its events in the current batch. */
  concludeSoon(run: { conclude(): void }): void;
  /** Called when the run's end is committed, or another process has the run. */
  ended(run: Hosted): void;
}
