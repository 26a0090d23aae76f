import type { EventType, NewEvent, RunEvent } from '../core/events.js';
import type { RunRecord } from '../core/run-record.js';
import type { RunStatus } from '../core/run.js';
import type { Sharing } from './sharing.js';

/** Why the journal takes no new runs at the moment. */
export interface Obstacle {
  /** `overloaded`: commits fall behind. `journal-unavailable`: they fail, and are tried again until they don't. */
  readonly code: 'overloaded' | 'journal-unavailable';
  readonly message: string;
}

/** What makes a second request with the same `Idempotency-Key` give the run of the first. */
export interface IdempotencyKey {
  /** Whose key it is: keys of different clients are different keys. Empty for anonymous callers. */
  readonly client: string;
  readonly key: string;
  /** What the request asked for: another request with the same key is a mistake of the caller. */
  readonly fingerprint: string;
}

/** The run that a key belongs to. */
export interface KeyedRun {
  readonly runId: string;
  readonly fingerprint: string;
}

/** Where a run stands in the history: runs of one millisecond stand in the order in which they were accepted. */
export interface RunPosition {
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** The id of its `run.started` event. */
  readonly number: number;
}

/** Which runs of the history to show. What is left out bounds nothing. */
export interface RunQuery {
  readonly task?: string | undefined;
  /** The run has any of these; one at least. */
  readonly statuses?: readonly RunStatus[] | undefined;
  /** Created then or later, in milliseconds since 1970. */
  readonly since?: number | undefined;
  /** Created before then, in milliseconds since 1970. */
  readonly until?: number | undefined;
  /** Older than the run that stands there, whether it is still kept or not. */
  readonly olderThan?: RunPosition | undefined;
  /** How many at most. */
  readonly limit: number;
}

/** A run without its sub-tasks. */
export type RunSummary = Pick<Readonly<RunRecord>, 'id' | 'task' | 'status' | 'createdAt' | 'finishedAt'>;

/** Runs, the newest first. */
export interface RunPage {
  readonly runs: readonly RunSummary[];
  /** Where the last of them stands, when there are older ones. */
  readonly next: RunPosition | undefined;
}

/** Which events to read. */
export interface EventQuery {
  /** The id that they come behind. */
  readonly after: number;
  readonly limit: number;
  readonly runId?: string | undefined;
  readonly task?: string | undefined;
  readonly types?: readonly EventType[] | undefined;
}

export interface EventPage {
  readonly events: readonly RunEvent[];
  /** The `after` of the next page: it goes on over stretches in which nothing fits, so also where `events` is empty. */
  readonly next: number;
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

/** How many ids a page goes on over in search of events that fit, so that no query looks through the whole log. */
export const PAGE_STRETCH = 10_000;
/** A page ends with the event that makes its data larger than this, in characters or bytes, roughly. */
export const PAGE_SIZE = 512 * 2 ** 10;

/**
 * The record of runs and the ordered log of their events. It commits in groups and in order, numbers the events
 * without a gap, and publishes each on the bus after its commit, never while `append` runs.
 */
export abstract class Journal {
  /** Whether what is committed outlives the process. */
  abstract readonly durable: boolean;
  /** What nodes do that share it; undefined where no other process ever has it. */
  readonly sharing: Sharing | undefined = undefined;
  /** Undefined while new runs may be started. What belongs to runs that were started is always taken. */
  abstract readonly obstacle: Obstacle | undefined;

  /**
   * Records an event behind all that were appended before it. Resolves when it is committed.
   *
   * @param key kept with `run.started`, in the same commit
   * @throws {Error} for a run that was never started or is finished
   */
  abstract append(event: NewEvent, key?: IdempotencyKey): Promise<void>;

  /**
   * Takes events of an unfinished run of an earlier process.
   *
   * @throws {DomainError} `journal-unavailable` for a run of this process: its end waits for a commit that fails
   */
  abstract goOn(run: Readonly<RunRecord>): void;

  /**
   * Appends `run.reopened` to a run that is finished, and takes events of it again. Resolves when that is committed; to false
   * when another process was before.
   */
  abstract reopen(run: Readonly<RunRecord>): Promise<boolean>;

  /**
   * The run that a key belongs to from now on: that of its first use, while the key is kept and whatever its fingerprint,
   * or else `runId`, which is then to be started with it.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  abstract claimKey(key: IdempotencyKey, runId: string): Promise<KeyedRun>;

  /** Gives a key back that was claimed for a run that could not be started. */
  abstract releaseKey(key: IdempotencyKey, runId: string): Promise<void>;

  /**
   * The run with all that was appended to it so far, or while commits fail, with all that is committed; undefined when
   * there is none, or none any more.
   */
  abstract run(id: string): Promise<Readonly<RunRecord> | undefined>;

  /**
   * The committed runs that a query asks for, the newest first. Runs that are added never change where others stand, so
   * following `next` neither skips nor repeats any.
   */
  abstract runs(query: RunQuery): Promise<RunPage>;

  /** The last event that is committed; 0 when there is none. */
  abstract readonly lastEventId: number;

  /**
   * Whether the log has come as far as an event; other nodes may have told of one that this one hasn't heard of.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  reaches(eventId: number): Promise<boolean> {
    return Promise.resolve(eventId <= this.lastEventId);
  }

  /**
   * Committed events that are still kept, in their order, up to the last one at the moment of the call. A page may have
   * fewer than there are: see `next`.
   *
   * @throws {DomainError} `run-unknown`; `journal-unavailable`
   */
  abstract events(query: EventQuery): Promise<EventPage>;

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

  /** Whether it is this process that counts the events for all that share the journal. */
  abstract leads(): Promise<boolean>;

  /** Each run that was unfinished when the journal was opened and is nobody else's, the oldest first. */
  abstract unfinished(): AsyncIterable<Readonly<RunRecord>>;

  /** Resolves when everything appended is committed and published, or is past hope of being so before a stop. */
  abstract drain(): Promise<void>;

  /** Gives back what it holds. What was appended is lost unless it was drained before. */
  abstract close(): Promise<void>;
}
