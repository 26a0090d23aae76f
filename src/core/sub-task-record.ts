import type { StreamMeasures, SubTaskEvent } from './events.js';
import type { JsonValue } from './json.js';
import type { AttemptError, StartTrigger, SubTaskStatus } from './run.js';

/** The recorded state of one sub-task of a run. Times are RFC 3339 texts in UTC, durations milliseconds. */
export interface SubTaskRecord {
  readonly name: string;
  status: SubTaskStatus;
  /** Attempts begun so far. */
  attempts: number;
  /** How many attempts failed. The others go on, succeeded, or were cut off by the end of the process. */
  failures: number;
  /** How often the failed sub-task was tried again on request. From the first time on, no attempt follows by itself. */
  retries: number;
  /** Digests of these requests' idempotency keys; undefined where no request had a key. */
  retryKeys: string[] | undefined;
  /** Why the sub-task started later than its run; undefined when it started with the run, or hasn't started. */
  trigger: StartTrigger | undefined;
  /** The `traceparent` of the last attempt's span, where the attempt had a span. */
  traceparent?: string;
  /** Set when the sub-task was due as a hedge, but the hedge budget was spent. */
  heldBack: true | undefined;
  /** When the next attempt is due, while the sub-task waits for a retry. */
  retryAt: string | null;
  /** Whole length of that wait, in milliseconds. */
  retryDelayMs: number;
  /** When the first attempt began, or the first attempt after a retry on request. */
  startedAt: string | null;
  finishedAt: string | null;
  durationMs: number | null;
  /** The last progress that the last attempt reported, and when. */
  progress: { readonly value: JsonValue; readonly time: string } | undefined;
  /** What the last attempt's stream had brought when the attempt ended; undefined where the sub-task doesn't stream. */
  stream?: StreamMeasures | undefined;
  /** Set while the sub-task waits among the dead letters of nodes, until somebody redrives it. No event records this. */
  deadLetter?: true;
  /** Why the sub-task was cancelled or skipped. */
  reason: string | undefined;
  /** Set when the sub-task succeeded. */
  result: JsonValue | undefined;
  /** The last attempt's error. Set while the sub-task waits for a retry, and when it has failed. */
  error: AttemptError | undefined;
}

/** The record of a sub-task in a new run. */
export function pendingSubTask(name: string): SubTaskRecord {
  return {
    name,
    status: 'pending',
    attempts: 0,
    failures: 0,
    retries: 0,
    retryKeys: undefined,
    trigger: undefined,
    heldBack: undefined,
    retryAt: null,
    retryDelayMs: 0,
    startedAt: null,
    finishedAt: null,
    durationMs: null,
    progress: undefined,
    reason: undefined,
    result: undefined,
    error: undefined,
  };
}

/** Brings `subTask` up to date with its next event. */
export function advanceSubTask(subTask: SubTaskRecord, event: SubTaskEvent): void {
  if ('stream' in event.data) subTask.stream = event.data.stream;
  switch (event.type) {
    case 'sub-task.held-back':
      subTask.heldBack = true;
      return;
    case 'sub-task.started':
      subTask.status = 'running';
      subTask.attempts = event.attempt;
      subTask.retryAt = null;
      subTask.progress = undefined;
      subTask.stream = undefined;
      subTask.startedAt ??= event.time;
      subTask.trigger ??= event.data.trigger;
      if (event.data.traceparent !== undefined) subTask.traceparent = event.data.traceparent;
      return;
    case 'sub-task.progressed':
      subTask.progress = { value: event.data.value, time: event.time };
      return;
    case 'sub-task.streamed':
      return;
    case 'sub-task.retrying':
      if (subTask.finishedAt !== null) startOver(subTask);
      subTask.status = 'retrying';
      subTask.failures += 1;
      subTask.retryAt = event.data.dueAt;
      subTask.retryDelayMs = event.data.delayMs;
      subTask.error = event.data.error;
      if (event.data.key !== undefined) (subTask.retryKeys ??= []).push(event.data.key);
      return;
    case 'sub-task.succeeded':
      subTask.status = 'succeeded';
      subTask.result = event.data.result;
      subTask.error = undefined;
      break;
    case 'sub-task.failed':
      subTask.status = 'failed';
      subTask.failures += 1;
      subTask.error = event.data.error;
      break;
    case 'sub-task.cancelled':
      subTask.status = 'cancelled';
      subTask.reason = event.data.reason;
      break;
    case 'sub-task.skipped':
      subTask.status = 'skipped';
      subTask.reason = event.data.reason;
      break;
    default:
      event satisfies never;
  }
  subTask.retryAt = null;
  subTask.finishedAt = event.time;
  subTask.durationMs = 'durationMs' in event.data ? event.data.durationMs : null;
}

/** Resets a failed sub-task that is tried again on request. `sub-task.retrying` counts the failure again, so one is taken off. */
function startOver(subTask: SubTaskRecord): void {
  subTask.retries += 1;
  subTask.failures -= 1;
  subTask.startedAt = null;
  subTask.finishedAt = null;
  subTask.durationMs = null;
}
