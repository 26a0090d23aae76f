import type { JsonValue } from './json.js';
import type { LosersPolicy, ReplyPolicy } from './policies.js';

export const RUN_STATUSES = ['running', 'succeeded', 'partly-failed', 'failed', 'cancelled'] as const;

export type RunStatus = (typeof RUN_STATUSES)[number];

type SubTaskStatus = 'pending' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'cancelled' | 'skipped';

/**
 * Why a sub-task that didn't start with its run has started: its time had come (`delay`: a hedge), one before it had
 * failed (`failure`), or without it the reply policy couldn't be met (`need`).
 */
export const START_TRIGGERS = ['delay', 'failure', 'need'] as const;

export type StartTrigger = (typeof START_TRIGGERS)[number];

/** `upstream-…`: what a call of an upstream came to; see `src/upstreams`. `task-unknown`, `input-unfit`: the service's code changed, so a run that was begun before it can't be gone on with. */
export const ATTEMPT_ERROR_CODES = [
  'threw',
  'timeout',
  'result-not-json',
  'result-too-large',
  'upstream-unreachable',
  'upstream-status',
  'upstream-unfit',
  'upstream-forbidden',
  'task-unknown',
  'input-unfit',
] as const;

/** What an upstream answered: its status, and the beginning of its body. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly excerpt: string;
}

/** Why an attempt failed. `code` is stable; `message` is for people. No stack trace: that stays in the log. */
export interface AttemptError {
  readonly code: (typeof ATTEMPT_ERROR_CODES)[number];
  readonly message: string;
  /** Where that is what went wrong. */
  readonly upstream?: UpstreamAnswer;
}

/** The reason of sub-tasks that were skipped or cancelled because there was a reply. */
export const NOT_NEEDED = 'not needed after the reply';

/** How a sub-task ended, once and for all. */
export type Outcome =
  | { readonly subTask: string; readonly status: 'succeeded'; readonly result: JsonValue }
  | { readonly subTask: string; readonly status: 'failed'; readonly error: AttemptError }
  | { readonly subTask: string; readonly status: 'cancelled' | 'skipped'; readonly reason: string };

/** Why a sub-task brought no success, as the caller of a failed run is told. */
export interface Failure {
  readonly subTask: string;
  readonly code: AttemptError['code'] | 'cancelled' | 'skipped';
  readonly message: string;
  readonly upstream?: UpstreamAnswer;
}

/** The reply of a run that can't meet its policy any more; `failures` are the outcomes that made it so. */
interface ReplyError {
  readonly code: 'run-failed' | 'run-cancelled';
  readonly message: string;
  readonly failures: readonly Failure[];
}

/**
 * What the caller is told. `answeredBy` names the winner; under `quorum` and `all` it lists the winners in the
 * order in which they finished, and `result` is an object by their names.
 */
export type Reply =
  | { readonly answeredBy: string | readonly string[]; readonly result: JsonValue }
  | { readonly error: ReplyError };

/** A reply, and how things stood when it was decided. */
export interface Decision {
  readonly reply: Reply;
  readonly status: RunStatus;
  /** The sub-tasks that were still unfinished. */
  readonly background: readonly string[];
}

/** One sub-task within a run. Times are RFC 3339 texts in UTC, durations milliseconds. */
export interface SubTaskRun {
  readonly name: string;
  status: SubTaskStatus;
  /** Attempts begun so far. */
  attempts: number;
  /** How many of them failed. The others go on, succeeded, or were cut off by the end of the process. */
  failures: number;
  /** Whether it was tried again on request, after it had failed: then no attempt follows by itself. */
  retried: boolean;
  /** Why it started when it did; undefined when it started with the run, or hasn't started. */
  trigger: StartTrigger | undefined;
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
  /** Why it was cancelled or skipped. */
  reason: string | undefined;
  /** Set when it succeeded. */
  result: JsonValue | undefined;
  /** The last attempt's error: set while it waits for a retry and when it failed. */
  error: AttemptError | undefined;
}

/** The state of one execution of a task, as its events so far add up to. */
export interface Run {
  readonly id: string;
  readonly task: string;
  readonly input: JsonValue;
  readonly replyPolicy: ReplyPolicy;
  readonly losers: LosersPolicy;
  /** The id of the request that started it, where one did. */
  readonly requestId: string | null;
  /** The `traceparent` of that request, where it had one. */
  readonly traceparent: string | null;
  readonly createdAt: string;
  readonly subTasks: readonly SubTaskRun[];
  /** How those of its sub-tasks ended that have, in the order of their ends. */
  readonly outcomes: Outcome[];
  /** The id of its `run.started` event. */
  readonly firstEventId: number;
  /** The id of its last event so far: it changes whenever anything of the run does. */
  lastEventId: number;
  status: RunStatus;
  /** Null as long as there is no reply. */
  decision: Decision | null;
  repliedAt: string | null;
  finishedAt: string | null;
  /** Whether it was finished once before: a failed sub-task was tried again. */
  reopened: boolean;
}

/** The status of a run whose sub-tasks have all ended. */
export function runStatus(reply: Reply, outcomes: readonly Outcome[]): Exclude<RunStatus, 'running'> {
  if ('error' in reply) return reply.error.code === 'run-cancelled' ? 'cancelled' : 'failed';
  return outcomes.some(({ status }) => status === 'failed') ? 'partly-failed' : 'succeeded';
}
