import type { StreamMeasures, SubTaskEvent } from './events.js';
import type { JsonValue } from './json.js';
import type { AttemptError, StartTrigger, SubTaskStatus } from './run.js';

/** What is on record of one sub-task of a run. Times are RFC 3339 texts in UTC, durations milliseconds. */
export interface SubTaskRecord {
  readonly name: string;
  status: SubTaskStatus;
  /** Attempts begun so far. */
  attempts: number;
  /** How many of them failed. The others go on, succeeded, or were cut off by the end of the process. */
  failures: number;
  /** How often it was tried again on request, after it had failed: once it was, no attempt follows by itself. */
  retries: number;
  /** What stands for the idempotency keys of those requests; undefined where none had any. */
  retryKeys: string[] | undefined;
  /** Why it started when it did; undefined when it started with the run, or hasn't started. */
  trigger: StartTrigger | undefined;
  /** The `traceparent` of the span of its last attempt, where that had one. */
  traceparent?: string;
  /** Set when its time had come and the hedge budget was spent. */
  heldBack: true | undefined;
  /** When the next attempt is due, while it waits for a retry. */
  retryAt: string | null;
  /** How long that wait is in all, in milliseconds. */
  retryDelayMs: number;
  /** When its first attempt began, or the first since it was tried again on request. */
  startedAt: string | null;
  finishedAt: string | null;
  durationMs: number | null;
  /** What its last attempt has said of its progress, and when. */
  progress: { readonly value: JsonValue; readonly time: string } | undefined;
  /** What the stream of its last attempt had brought when that ended; undefined where it doesn't stream. */
  stream?: StreamMeasures | undefined;
  /** Set while it waits among the dead letters of nodes, until somebody redrives it. No event tells of that. */
  deadLetter?: true;
  /** Why it was cancelled or skipped. */
  reason: string | undefined;
  /** Set when it succeeded. */
  result: JsonValue | undefined;
  /** The last attempt's error: set while it waits for a retry and when it failed. */
  error: AttemptError | undefined;
}

/** A sub-task of a run that has just begun. */
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

/** Brings `subTask` up to date with the next of its events. */
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

/** It had failed, and is tried again on request. Its failure is not counted twice. */
function startOver(subTask: SubTaskRecord): void {
  subTask.retries += 1;
  subTask.failures -= 1;
  subTask.startedAt = null;
  subTask.finishedAt = null;
  subTask.durationMs = null;
}
