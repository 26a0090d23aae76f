import type { RunEvent } from '../core/events.js';
import type { RunRecord } from '../core/run-record.js';
import type { Commits } from './commits.js';
import type { IdempotencyKey, KeyedRun } from './idempotency-key.js';
import type { EventPage, EventQuery, RunPage, RunQuery } from './journal-pages.js';
import type { JournaledRun } from './journaled-run.js';
import { OwnNotes, type Notes } from './notes.js';
import { OwnWebhooks } from './own-webhooks.js';
import type { Sharing } from './sharing.js';
import { OwnTokens, type TokenKeeping } from './token-keeping.js';
import type { WebhookKeeping } from './webhook-keeping.js';

/** Why the journal takes no new runs at the moment. */
export interface Obstacle {
  /** `overloaded`: other nodes take them. `journal-unavailable`: commits fail, and are tried again until they don't. */
  readonly code: 'overloaded' | 'journal-unavailable';
  readonly message: string;
  /** Whether this process will never take runs again, nor end those that it has. */
  readonly lasting?: true;
}

/** What was counted of a task in a stretch of time, in a form that only who counts knows. */
export interface StatisticsSlice {
  readonly task: string;
  /** Where that time begins, in milliseconds since 1970. */
  readonly start: number;
  readonly data: string;
}

/** A stretch of time, in milliseconds since 1970, its ends included. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** What events add up to, and which events. */
export interface SavedStatistics {
  readonly slices: readonly StatisticsSlice[];
  /** The last event that is counted. */
  readonly upTo: number;
  /** The id behind which events must be read again to go on counting: those up to `upTo` tell of runs under way. */
  readonly readFrom: number;
}

/** What is said of an event that is appended. */
export interface AppendOptions {
  /** Kept with `run.started`, in the same commit. */
  readonly key?: IdempotencyKey | undefined;
  /** Whether the event is recorded only if its attempt is still the one that counts: its sub-task left the node of its run. */
  readonly fenced?: boolean;
}

/**
 * The record of runs and the ordered log of their events. It commits in batches and in order, and numbers the events without a gap.
 * After a commit it tells each run in the batch, and then the bus; never while `append` runs.
 */
export abstract class Journal {
  /** Whether what is committed outlives the process. */
  abstract readonly durable: boolean;
  /** What nodes do that share it; undefined where no other process ever has it. */
  readonly sharing: Sharing | undefined = undefined;
  /** Undefined where nothing takes time: in memory. */
  readonly groups: Commits | undefined = undefined;
  /** Undefined while new runs may be started. What belongs to runs that were started is always taken. */
  abstract readonly obstacle: Obstacle | undefined;

  /** The time that events are stamped with, in milliseconds since 1970. Default: that of this machine. */
  now(): number {
    return Date.now();
  }

  /**
   * Records an event behind all that were appended before it, and stamps it with its id and its time. A `run.reopened` is refused when its
   * run was deleted since it was read.
   */
  abstract append(run: JournaledRun, event: RunEvent, options?: AppendOptions): void;

  /**
   * The run that a key belongs to from now on: that of its first use, while the key is kept and whatever its fingerprint,
   * or else `runId`, which is then to be started with it.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  abstract claimKey(key: IdempotencyKey, runId: string): Promise<KeyedRun>;

  /**
   * Resolves when all that was appended of a run is committed, and the run was told of what other nodes have committed of it. While
   * commits fail it resolves at once: nobody knows how long readers would wait.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  abstract committed(runId: string): Promise<void>;

  /**
   * A run with all that is committed of it; undefined when there is none, or none any more. A live run most often has its record
   * itself.
   *
   * @param commits of a live run its {@link JournaledRun.commits}: without them, the journal looks for its events among all others
   */
  abstract run(id: string, commits?: readonly number[]): Promise<Readonly<RunRecord> | undefined>;

  /**
   * The committed runs that a query asks for, the newest first. Runs that are added never change where others stand, so
   * following `next` neither skips nor repeats any.
   */
  abstract runs(query: RunQuery): Promise<RunPage>;

  /** The last event that is committed; 0 when there is none. */
  abstract readonly lastEventId: number;

  /**
   * Committed events that are still kept, in their order, up to the last one at the moment of the call. A page may have
   * fewer than there are: see `next`.
   *
   * @throws {DomainError} `run-unknown`; `journal-unavailable`
   */
  abstract events(query: EventQuery): Promise<EventPage>;

  /**
   * Erases a finished run, with its labels and its idempotency key. Of its events the ids and times stay, as `run.erased`, as long as the
   * run would have been kept.
   *
   * @returns false when there is no such run, or it goes on again
   * @throws {DomainError} `journal-unavailable`
   */
  abstract erase(id: string): Promise<boolean>;

  /**
   * Keeps what was counted, all of it or nothing: replaces slices of the same task and start, and deletes those that begin
   * outside of the time that is kept.
   *
   * @throws {Error} when it can't be written; that is not tried again
   */
  abstract saveStatistics(changed: SavedStatistics, kept: Stretch): Promise<void>;

  /**
   * What was saved last, with all slices that are kept; undefined when nothing ever was.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  abstract savedStatistics(): Promise<SavedStatistics | undefined>;

  /** What is kept for tokens. Default: this process's own. */
  readonly tokens: TokenKeeping = new OwnTokens(() => this.now());

  /** Short-lived texts beside the log. Default: in this process's memory. */
  readonly notes: Notes = new OwnNotes(() => this.now());

  /** What is kept of webhooks beside the log. Default: in this process's memory. */
  readonly webhooks: WebhookKeeping = new OwnWebhooks(() => this.now());

  /**
   * The unfinished runs that are set aside: several starts in a row have died after they had resumed them. Default: none is, ever.
   */
  readonly setAside: ReadonlySet<string> = new Set();

  /**
   * Sets a run aside no more.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  takeBack(_runId: string): Promise<void> {
    return Promise.resolve();
  }

  /** Each run that an earlier process has left unfinished, the oldest first, but for those that are set aside. Default: there are none. */
  unfinished(): AsyncIterable<Readonly<RunRecord>> | Iterable<Readonly<RunRecord>> {
    return [];
  }

  /** How large its file is, what is still to be moved there included. Default: it has none. */
  fileBytes(): Promise<number | undefined> {
    return Promise.resolve(undefined);
  }

  /** Resolves when everything appended is committed and published, or is past hope of being so before a stop. */
  abstract drain(): Promise<void>;

  /** Gives back what it holds. What was appended is lost unless it was drained before. */
  abstract close(): Promise<void>;
}
