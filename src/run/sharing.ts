import type { StartCause } from '../core/events.js';
import type { RunRecord } from '../core/run-record.js';
import type { IdempotencyKey } from './idempotency-key.js';
import type { JournaledRun } from './journaled-run.js';

/** A sub-task that leaves its node: another node executes it, while its run stays where it is. */
export interface PlacedSubTask {
  readonly runId: string;
  readonly task: string;
  readonly subTask: string;
  /** Attempts begun so far. */
  readonly attempts: number;
  /** Whether only nodes whose role is to take work may take it on. */
  readonly worker: boolean;
  /** How long until the sub-task is due, in milliseconds; undefined for at once. A delay and not a time, because the clocks of nodes differ. */
  readonly delayMs?: number | undefined;
  /** Why the sub-task starts, if it has not begun. */
  readonly cause?: StartCause | undefined;
}

/** What a caller asked of a run through a node that doesn't execute it. */
export interface RunCommand {
  readonly runId: string;
  readonly kind: 'cancel' | 'retry';
  /** The sub-task to retry; undefined for all failed ones. */
  readonly subTask?: string | undefined;
  /** Digest of the request's idempotency key. */
  readonly key?: string | undefined;
}

/** What nodes do with a journal that they share. */
export interface Sharing {
  /** The id of this node. A node that was taken for dead gets a new id. */
  readonly nodeId: string;
  /** Tasks that operators have paused: no new sub-task of them is taken on. */
  readonly paused: ReadonlySet<string>;
  /** How far this machine's clock is ahead of the database's clock, which all nodes use, in milliseconds. */
  readonly clockSkewMs: number;
  /** Age of the commit under way, in milliseconds. */
  readonly commitLagMs: number;

  /** Lets a sub-task leave this node, in the same commit as the event that was appended last. */
  place(run: JournaledRun, subTask: PlacedSubTask): void;

  /** Whether another node has room for a sub-task. An idle slot is offered once, until its node reports it again. */
  takeIdleSlot(): boolean;

  /**
   * Records a command for the node that executes a run. The command is kept until that node, or another one, has performed it.
   *
   * @returns the id of the command; undefined when the run has finished
   * @throws {DomainError} `journal-unavailable`
   */
  command(command: RunCommand): Promise<number | undefined>;

  /** Withdraws a command; returns false when it was performed. @throws {DomainError} `journal-unavailable` */
  withdraw(command: number): Promise<boolean>;

  /**
   * An unfinished run with those of its sub-tasks marked that wait among the dead letters.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  withDeadLetters(run: Readonly<RunRecord>): Promise<Readonly<RunRecord>>;

  /** Gives back a key that was claimed for a run that could not be started. */
  releaseKey(key: IdempotencyKey, runId: string): Promise<void>;

  /** Whether this node counts the statistics for all nodes. */
  leads(): Promise<boolean>;

  /**
   * Whether the log has reached an event, which another node may have told of before this node heard of it.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  reaches(eventId: number): Promise<boolean>;
}
