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
  /** `overloaded`: other nodes take new runs. `journal-unavailable`: commits fail, and are tried again until they succeed. */
  readonly code: 'overloaded' | 'journal-unavailable';
  readonly message: string;
  /** Whether this process will never take runs again, and can't end the runs that it has. */
  readonly lasting?: true;
}

/** Statistics of a task over a stretch of time. The journal doesn't look into `data`. */
export interface StatisticsSlice {
  readonly task: string;
  /** Start of the stretch, in milliseconds since 1970. */
  readonly start: number;
  readonly data: string;
}

/** A stretch of time, in milliseconds since 1970, both ends included. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Saved statistics, and up to which event they count. */
export interface SavedStatistics {
  readonly slices: readonly StatisticsSlice[];
  /** The last event that the statistics count. */
  readonly upTo: number;
  /** Events after this id must be read again to go on counting: those up to `upTo` tell of runs under way. */
  readonly readFrom: number;
}

/** Options of an event that is appended. */
export interface AppendOptions {
  /** An idempotency key that is kept in the same commit as `run.started`. */
  readonly key?: IdempotencyKey | undefined;
  /** Whether the event is recorded only if its attempt still counts: for sub-tasks that left the node of their run. */
  readonly fenced?: boolean;
}

/**
 * The record of runs and the ordered log of their events. It commits in batches and in order, and numbers the events without a gap.
 * After a commit it tells each run of the batch, and then the bus, but never while `append` runs.
 */
export abstract class Journal {
  /** Whether commits outlive the process. */
  abstract readonly durable: boolean;
  /** What nodes do that share the journal; undefined where no other process ever uses it. */
  readonly sharing: Sharing | undefined = undefined;
  /** The commits of groups of events; undefined in memory, where a commit takes no time. */
  readonly groups: Commits | undefined = undefined;
  /** Undefined while new runs may be started. Events of runs that were started are always accepted. */
  abstract readonly obstacle: Obstacle | undefined;

  /** The time for events, in milliseconds since 1970. Default: the time of this machine. */
  now(): number {
    return Date.now();
  }

  /**
   * Records an event behind all that were appended before it, and stamps it with its id and its time. A `run.reopened` is refused when its
   * run was deleted since it was read.
   */
  abstract append(run: JournaledRun, event: RunEvent, options?: AppendOptions): void;

  /**
   * The run that a key belongs to from now on: the run of its first use, as long as the key is kept and whatever its fingerprint,
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
   * The committed record of a run; undefined when there is no such run, or no longer. A live run most often has its record
   * itself.
   *
   * @param commits of a live run its {@link JournaledRun.commits}: without them, the journal looks for its events among all others
   */
  abstract run(id: string, commits?: readonly number[]): Promise<Readonly<RunRecord> | undefined>;

  /**
   * A page of committed runs, the newest first. New runs never change the positions of others, so
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
   * Saves statistics in one commit: replaces slices of the same task and start, and deletes slices that begin
   * outside of the time that is kept.
   *
   * @throws {Error} when it can't be written; that is not tried again
   */
  abstract saveStatistics(changed: SavedStatistics, kept: Stretch): Promise<void>;

  /**
   * The last saved statistics, with all kept slices; undefined when none were ever saved.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  abstract savedStatistics(): Promise<SavedStatistics | undefined>;

  /** Keeps the secret and the withdrawals of tokens. Default: in this process's memory. */
  readonly tokens: TokenKeeping = new OwnTokens(() => this.now());

  /** Short-lived texts beside the log. Default: in this process's memory. */
  readonly notes: Notes = new OwnNotes(() => this.now());

  /** Keeps webhooks and their deliveries beside the log. Default: in this process's memory. */
  readonly webhooks: WebhookKeeping = new OwnWebhooks(() => this.now());

  /**
   * The unfinished runs that are set aside, because several starts in a row died after resuming them. Default: none.
   */
  readonly setAside: ReadonlySet<string> = new Set();

  /**
   * Takes back that a run is set aside.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  takeBack(_runId: string): Promise<void> {
    return Promise.resolve();
  }

  /** The runs that an earlier process left unfinished, the oldest first, without those that are set aside. Default: none. */
  unfinished(): AsyncIterable<Readonly<RunRecord>> | Iterable<Readonly<RunRecord>> {
    return [];
  }

  /** Size of the journal's files in bytes, including the write-ahead log. Default: there is no file. */
  fileBytes(): Promise<number | undefined> {
    return Promise.resolve(undefined);
  }

  /** Resolves when everything appended is committed and published, or can't be before a stop. */
  abstract drain(): Promise<void>;

  /** Releases files and connections. Appended events are lost unless {@link drain} was called before. */
  abstract close(): Promise<void>;
}
