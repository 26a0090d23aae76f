import type { EventType, RunEvent } from '../core/events.js';
import type { RunRecord } from '../core/run-record.js';
import type { RecordedReply } from '../core/run-standing.js';
import type { RunStatus } from '../core/run.js';

/** Position of a run in the history. Runs of the same millisecond are in the order in which they were accepted. */
export interface RunPosition {
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** The id of its `run.started` event. */
  readonly number: number;
}

/** Selects runs of the history. A member that is left out excludes nothing. */
export interface RunQuery {
  /** The `clientId` of the one who started the run. */
  readonly client?: string | undefined;
  readonly task?: string | undefined;
  /** The `X-Request-Id` of the request that started it. */
  readonly requestId?: string | undefined;
  /** The trace id of the `traceparent` of that request. */
  readonly traceId?: string | undefined;
  /** The run has all of these labels, each as `name:value`; at least one. */
  readonly labels?: readonly string[] | undefined;
  /** The run has any of these statuses; at least one. */
  readonly statuses?: readonly RunStatus[] | undefined;
  /** Created then or later, in milliseconds since 1970. */
  readonly since?: number | undefined;
  /** Created before then, in milliseconds since 1970. */
  readonly until?: number | undefined;
  /** Older than this position, whether the run there is still kept or not. */
  readonly olderThan?: RunPosition | undefined;
  /** How many at most. */
  readonly limit: number;
}

/** A run without its sub-tasks. */
export type RunSummary = Pick<Readonly<RunRecord>, 'id' | 'task' | 'status' | 'createdAt' | 'finishedAt'> &
  Partial<Pick<Readonly<RunRecord>, 'labels'>> & {
    /** The reply of a finished run; undefined where only its events have it. */
    readonly reply?: RecordedReply | undefined;
  };

/** Runs, the newest first. */
export interface RunPage {
  readonly runs: readonly RunSummary[];
  /** Position of the last run of the page; undefined when there are no older ones. */
  readonly next: RunPosition | undefined;
}

/** Which events to read. */
export interface EventQuery {
  /** Only events after this id. */
  readonly after: number;
  readonly limit: number;
  readonly runId?: string | undefined;
  /** `JournaledRun.commits` of a live run. Without them, the journal searches the run's events among all others. */
  readonly commits?: readonly number[] | undefined;
  readonly task?: string | undefined;
  /** The `clientId` of the one who started the run. */
  readonly client?: string | undefined;
  readonly types?: readonly EventType[] | undefined;
  /** The run of the events has all of these labels, each as `name:value`. */
  readonly labels?: readonly string[] | undefined;
}

export interface EventPage {
  readonly events: readonly RunEvent[];
  /** The `after` of the next page. It grows also over stretches without matching events, when `events` is empty. */
  readonly next: number;
}

/** How many ids one page searches for matching events at most, so that no query reads the whole log. */
export const PAGE_STRETCH = 10_000;
/** A page ends with the event that makes the page's data larger than this, roughly in bytes. */
export const PAGE_SIZE = 512 * 2 ** 10;
