import type { EventType, RunEvent } from '../core/events.js';
import type { RunRecord } from '../core/run-record.js';
import type { RecordedReply } from '../core/run-standing.js';
import type { RunStatus } from '../core/run.js';

/** Where a run stands in the history: runs of one millisecond stand in the order in which they were accepted. */
export interface RunPosition {
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** The id of its `run.started` event. */
  readonly number: number;
}

/** Which runs of the history to show. What is left out bounds nothing. */
export interface RunQuery {
  /** The `clientId` of the one who started the run. */
  readonly client?: string | undefined;
  readonly task?: string | undefined;
  /** The `X-Request-Id` of the request that started it. */
  readonly requestId?: string | undefined;
  /** The trace id of the `traceparent` of that request. */
  readonly traceId?: string | undefined;
  /** The run has all of these, each as `name:value`; one at least. */
  readonly labels?: readonly string[] | undefined;
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
export type RunSummary = Pick<Readonly<RunRecord>, 'id' | 'task' | 'status' | 'createdAt' | 'finishedAt'> &
  Partial<Pick<Readonly<RunRecord>, 'labels'>> & {
    /** Of a finished run; undefined where its events have to be asked. */
    readonly reply?: RecordedReply | undefined;
  };

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
  /** Of a live run its `JournaledRun.commits`: without them, the journal looks for its events among all others. */
  readonly commits?: readonly number[] | undefined;
  readonly task?: string | undefined;
  /** The `clientId` of the one who started the run. */
  readonly client?: string | undefined;
  readonly types?: readonly EventType[] | undefined;
  /** Their run has all of these, each as `name:value`. */
  readonly labels?: readonly string[] | undefined;
}

export interface EventPage {
  readonly events: readonly RunEvent[];
  /** The `after` of the next page: it goes on over stretches in which nothing fits, so also where `events` is empty. */
  readonly next: number;
}

/** How many ids a page goes on over in search of events that fit, so that no query looks through the whole log. */
export const PAGE_STRETCH = 10_000;
/** A page ends with the event that makes its data larger than this, in characters or bytes, roughly. */
export const PAGE_SIZE = 512 * 2 ** 10;
