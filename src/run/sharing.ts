import type { StartCause } from '../core/events.js';
import type { RunRecord } from '../core/run-record.js';
import type { IdempotencyKey } from './idempotency-key.js';
import type { JournaledRun } from './journaled-run.js';

/** A sub-task that leaves its node: another one executes it, and its run stays where it is. */
export interface PlacedSubTask {
  readonly runId: string;
  readonly task: string;
  readonly subTask: string;
  /** Attempts begun so far. */
  readonly attempts: number;
  /** Whether only nodes whose role is to take work may take it on. */
  readonly worker: boolean;
  /** How long until it is due, in milliseconds; undefined for at once. A delay and not a time: the clocks of nodes differ. */
  readonly delayMs?: number | undefined;
  /** Why it starts, where it has not begun. */
  readonly cause?: StartCause | undefined;
}

/** What a caller asked of a run through a node that doesn't execute it. */
export interface RunCommand {
  readonly runId: string;
  readonly kind: 'cancel' | 'retry';
  /** The one to retry; undefined for all that have failed. */
  readonly subTask?: string | undefined;
  /** What stands for the idempotency key of the request. */
  readonly key?: string | undefined;
}

/** What nodes do with a journal that they share. */
export interface Sharing {
  /** The id of this node. It has another one after it was taken for dead. */
  readonly nodeId: string;
  /** The tasks of which operators let nothing new be taken. */
  readonly paused: ReadonlySet<string>;
  /** How far this machine's clock is ahead of the one that all nodes go by, in milliseconds. */
  readonly clockSkewMs: number;
  /** For how long the commit that is under way has been so, in milliseconds. */
  readonly commitLagMs: number;

  /** Lets a sub-task leave this node, in the commit of what was appended last. */
  place(run: JournaledRun, subTask: PlacedSubTask): void;

  /** Whether another node has room for a sub-task; a slot that was found idle is not offered again before it says so anew. */
  takeIdleSlot(): boolean;

  /**
   * Asks the node that executes a run to do something with it. It is kept until that node, or another one, has done it.
   *
   * @returns the id of what was asked; undefined when the run has finished
   * @throws {DomainError} `journal-unavailable`
   */
  command(command: RunCommand): Promise<number | undefined>;

  /** Takes back what was asked, by its id; false when it was done. @throws {DomainError} `journal-unavailable` */
  withdraw(command: number): Promise<boolean>;

  /**
   * An unfinished run with those of its sub-tasks marked that wait among the dead letters.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  withDeadLetters(run: Readonly<RunRecord>): Promise<Readonly<RunRecord>>;

  /** Gives back a key that was claimed for a run that could not be started. */
  releaseKey(key: IdempotencyKey, runId: string): Promise<void>;

  /** Whether it is this node that counts the events for all. */
  leads(): Promise<boolean>;

  /**
   * Whether the log has come as far as an event; other nodes may have told of one that this one hasn't heard of.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  reaches(eventId: number): Promise<boolean>;
}
