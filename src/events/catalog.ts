import type { JsonValue } from '../tasks/json.js';
import type { LosersPolicy, ReplyPolicy } from '../tasks/policies.js';
import type { AttemptError, Reply, RunStatus, StartTrigger } from '../tasks/run.js';

/** What each type of event says in its `data`. */
interface EventData {
  /** A run was accepted, and its sub-tasks are about to start. */
  'run.started': {
    readonly input: JsonValue;
    readonly replyPolicy: ReplyPolicy;
    readonly losers: LosersPolicy;
    readonly subTasks: readonly string[];
    /** The id of the request that started it, where one did: the caller's `X-Request-Id`, or one that was made for it. */
    readonly requestId?: string;
    /** The `traceparent` (W3C Trace Context) of that request, where it had one. */
    readonly traceparent?: string;
  };
  /** A failed sub-task of a run that was finished is to be tried again: the run goes on. */
  'run.reopened': Readonly<Record<string, never>>;
  /** An attempt began. */
  'sub-task.started': {
    /** Why a sub-task that didn't start with its run has started. With its first attempt alone. */
    readonly trigger?: StartTrigger;
    /** How long after the run it was due, in milliseconds, where its time had come. */
    readonly delayMs?: number;
  };
  /** A sub-task's time had come, but the task's hedge budget was spent; only a failure starts it now. */
  'sub-task.held-back': { readonly delayMs: number; readonly hedgeBudget: number };
  /** An attempt failed; the next one is due `delayMs` milliseconds later, at `dueAt`. */
  'sub-task.retrying': { readonly error: AttemptError; readonly delayMs: number; readonly dueAt: string };
  /** An attempt succeeded, and so did its sub-task. `durationMs` runs from the start of the first attempt. */
  'sub-task.succeeded': { readonly result: JsonValue; readonly durationMs: number };
  /** The last attempt failed, and so did its sub-task. */
  'sub-task.failed': { readonly error: AttemptError; readonly durationMs: number };
  /** The sub-task was under way and is not wanted any more; what it still brings is discarded. */
  'sub-task.cancelled': { readonly reason: string; readonly durationMs: number };
  /** The sub-task never began, because it was not needed any more. */
  'sub-task.skipped': { readonly reason: string };
  /** The reply policy was met, or can't be met any more; `status` and `background` say how things stood then. */
  'run.replied': {
    /** From the start of the run, in milliseconds; not there when it is not the run's first, and in events of old. */
    readonly durationMs?: number;
    readonly reply: Reply;
    readonly status: RunStatus;
    readonly background: readonly string[];
  };
  /** Every sub-task has ended. */
  'run.finished': { readonly status: Exclude<RunStatus, 'running'> };
}

/** What `sub-task.started` says of why a sub-task starts later than its run. */
export type StartCause = EventData['sub-task.started'];

export type EventType = keyof EventData;

/** Every type of event, in the order in which a run may have them. */
export const EVENT_TYPES = [
  'run.started',
  'sub-task.held-back',
  'sub-task.started',
  'sub-task.retrying',
  'sub-task.succeeded',
  'sub-task.failed',
  'sub-task.cancelled',
  'sub-task.skipped',
  'run.replied',
  'run.finished',
  'run.reopened',
] as const satisfies readonly EventType[];

type SubTaskEventType = Extract<EventType, `sub-task.${string}`>;

/** A transition as the engine or the service reports it to the journal. `attempt` counts from 1. */
export type NewEvent<T extends EventType = EventType> = {
  [K in T]: {
    readonly type: K;
    readonly runId: string;
    readonly task: string;
    readonly data: EventData[K];
  } & (K extends SubTaskEventType ? { readonly subTask: string; readonly attempt: number } : unknown);
}[T];

/** A committed event. `id` is the journal's sequence number; `time` an RFC 3339 text in UTC. */
export type RunEvent<T extends EventType = EventType> = {
  [K in T]: NewEvent<K> & { readonly id: number; readonly time: string };
}[T];
