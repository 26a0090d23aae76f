import type { Journal } from './journal.js';
import type { AcceptedRun } from '../tasks/accepted-run.js';
import type { RunOrigin } from '../core/run-origin.js';
import type { SubTaskRecord } from '../core/run-record.js';
import type { StartCause } from '../core/events.js';
import type { Sharing } from './sharing.js';
import type { AttemptOf } from './attempt.js';
import type { Slots } from './slots.js';

/** What the engine needs to know of a run. */
export interface EngineRun extends Pick<AcceptedRun, 'inputBytes'> {
  readonly id: string;
  readonly task: { readonly name: string };
  /** What sub-tasks get. */
  readonly parsedInput: unknown;
  readonly origin: RunOrigin;
}

/** How far a sub-task has come before: what a process that ended has left of it. */
export type Progress = Pick<
  SubTaskRecord,
  'attempts' | 'failures' | 'retried' | 'startedAt' | 'retryAt' | 'retryDelayMs'
>;

export const NOT_BEGUN: Progress = {
  attempts: 0,
  failures: 0,
  retried: false,
  startedAt: null,
  retryAt: null,
  retryDelayMs: 0,
};

/** How a sub-task is got ready. */
export interface Manner {
  /** It takes no slot and doesn't wait for one before it is started. */
  readonly held?: boolean;
  /** It left the node of its run, and this node took it on: it leaves no more before it has begun. */
  readonly tookOn?: boolean;
  /** Why it starts, where it didn't start with its run. */
  readonly cause?: StartCause | undefined;
}

/** A sub-task that leaves this node before it has ended. */
export interface Leave {
  readonly about: AttemptOf;
  readonly startedAt: string | null;
  readonly worker: boolean;
  readonly tookOn: boolean;
  readonly dueAt?: Date | undefined;
  readonly cause?: StartCause | undefined;
}

/** What executions need of the engine, and what it is told of their batches. */
export interface Surroundings {
  readonly journal: Journal;
  readonly maxResultBytes: number;
  /** The slots of all sub-tasks. */
  readonly slots: Slots;
  /** A batch has begun to wait for slots, or waits no more. */
  readonly changeQueue: (by: 1 | -1) => void;
  /** What there is of other nodes; undefined where there can't be any. */
  readonly sharing: Sharing | undefined;
  readonly leave: (subTask: Leave) => void;
  /** All of a batch have ended. */
  readonly release: (run: EngineRun) => void;
}

/** The sub-tasks of a run that were got ready together: how many of them wait for a slot, and how many are unfinished. */
export class Batch {
  private waiting = 0;

  constructor(
    readonly run: EngineRun,
    private unfinished: number,
    readonly surroundings: Surroundings,
  ) {}

  /** One of them waits for a slot from now on. */
  joinedQueue(): void {
    if (this.waiting++ === 0) this.surroundings.changeQueue(1);
  }

  /** Called once for each that has joined. */
  leftQueue(): void {
    if (--this.waiting === 0) this.surroundings.changeQueue(-1);
  }

  /** Called once for each, when it has its outcome, or is left to another process. */
  ended(): void {
    if (--this.unfinished === 0) this.surroundings.release(this.run);
  }
}
