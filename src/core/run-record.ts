import type { StringValue } from 'ms';
import type { CallerHeaders } from './caller-headers.js';
import type { RunEvent, StreamMeasures, SubTaskEvent } from './events.js';
import type { JsonValue } from './json.js';
import type { Labels } from './labels.js';
import { outcomeOf } from './outcome.js';
import type { LosersPolicy, ReplyPolicy } from './policies.js';
import type { WebhookTarget } from './webhook.schema.js';
import { leadAfter, type StreamLead } from './stream-lead.js';
import type { AttemptError, Decision, Outcome, RunStatus, StartTrigger, SubTaskStatus } from './run.js';

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
  /** Why it was cancelled or skipped. */
  reason: string | undefined;
  /** Set when it succeeded. */
  result: JsonValue | undefined;
  /** The last attempt's error: set while it waits for a retry and when it failed. */
  error: AttemptError | undefined;
}

/** What is on record of a run: what its committed events add up to. */
export interface RunRecord {
  readonly id: string;
  readonly task: string;
  readonly input: JsonValue;
  /** Whether that is all that the caller sent. */
  readonly inputIsKept: boolean;
  readonly replyPolicy: ReplyPolicy;
  readonly losers: LosersPolicy;
  /** Undefined: the run fails when a stream breaks off of which callers were shown some. */
  readonly onBreak: 'restart' | undefined;
  /** Undefined when it has none. */
  readonly labels: Labels | undefined;
  /** How long after its start its unfinished sub-tasks are cancelled, where they are. */
  readonly deadline: StringValue | undefined;
  /** The id of the request that started it, where one did. */
  readonly requestId: string | null;
  /** The `traceparent` of that request, where it had one; where traces are on, that of the span of the run. */
  readonly traceparent: string | null;
  /** The headers of that request that the task takes; undefined where it takes none. Never shown. */
  readonly callerHeaders: CallerHeaders | undefined;
  /** Its own webhooks, those of its task among them; undefined where it has none. Secrets are sealed. Never shown. */
  readonly webhooks: readonly WebhookTarget[] | undefined;
  /** Whose API key that request came with, where it needed one: see `RunOrigin`. */
  readonly clientId: string | null;
  readonly createdAt: string;
  readonly subTasks: readonly SubTaskRecord[];
  /** The names of those of them that are shadows; undefined where none is. */
  readonly shadows?: readonly string[] | undefined;
  /** How those of its sub-tasks ended that have, in the order of their ends. */
  readonly outcomes: Outcome[];
  /** The id of its `run.started` event. */
  readonly firstEventId: number;
  /** The first event of each row of the log that has events of it, where a journal has such rows. */
  readonly commits?: readonly number[] | undefined;
  /** The id of its last event so far: it changes whenever anything of the run does. */
  lastEventId: number;
  /** The time of that event. */
  lastEventTime: string;
  status: RunStatus;
  /** Null as long as there is no reply. */
  decision: Decision | null;
  /** Whether a failed sub-task was tried again since, so that an error may become a result. */
  retriedSinceReply: boolean;
  repliedAt: string | null;
  finishedAt: string | null;
  /** Whose stream callers were shown last; undefined where none was shown. */
  lead?: StreamLead | undefined;
  /** Whether it was finished once before: a failed sub-task was tried again. */
  reopened: boolean;
}

/** The run that a `run.started` event opens. */
function openRun(event: RunEvent<'run.started'>): RunRecord {
  const {
    input,
    inputKept = true,
    replyPolicy,
    losers,
    onBreak,
    deadline,
    subTasks,
    shadows,
    callerHeaders,
    webhooks,
  } = event.data;
  const { requestId = null, traceparent = null } = event.data;
  return {
    id: event.runId,
    task: event.task,
    input,
    inputIsKept: inputKept,
    replyPolicy,
    losers,
    onBreak,
    ...(shadows && { shadows }),
    labels: event.labels,
    deadline,
    requestId,
    traceparent,
    callerHeaders,
    webhooks,
    clientId: event.client ?? null,
    createdAt: event.time,
    subTasks: subTasks.map((name) => ({
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
    })),
    outcomes: [],
    firstEventId: event.id,
    lastEventId: event.id,
    lastEventTime: event.time,
    status: 'running',
    decision: null,
    retriedSinceReply: false,
    repliedAt: null,
    finishedAt: null,
    reopened: false,
  };
}

/** The run that its events add up to, of which there is at least the first. @param commits see {@link RunRecord} */
export function runOf([first, ...rest]: readonly RunEvent[], commits?: readonly number[]): RunRecord {
  if (first?.type !== 'run.started') throw new Error('A run begins with run.started');
  const run = { ...openRun(first), commits };
  for (const event of rest) advance(run, event);
  return run;
}

/** Brings `run` up to date with the next of its events. */
export function advance(run: RunRecord, event: RunEvent): void {
  run.lastEventId = event.id;
  run.lastEventTime = event.time;
  if (run.lead || event.type === 'sub-task.streamed') run.lead = leadAfter(run.lead, run, event);
  switch (event.type) {
    case 'run.started':
    case 'run.erased':
      return;
    case 'run.replied':
      run.decision = event.data;
      run.retriedSinceReply = false;
      run.repliedAt = event.time;
      return;
    case 'run.finished':
      run.status = event.data.status;
      run.finishedAt = event.time;
      return;
    case 'run.reopened':
      run.status = 'running';
      run.finishedAt = null;
      run.reopened = true;
      return;
    default: {
      const subTask = run.subTasks.find(({ name }) => name === event.subTask);
      if (!subTask) return;
      if (event.type === 'sub-task.retrying' && subTask.finishedAt !== null) startOver(run, subTask);
      advanceSubTask(subTask, event);
      const outcome = outcomeOf(event);
      if (outcome) run.outcomes.push(outcome);
    }
  }
}

/** A sub-task that had failed is tried again, on request. Its failure is not counted twice. */
function startOver(run: RunRecord, subTask: SubTaskRecord): void {
  run.outcomes.splice(
    run.outcomes.findIndex((outcome) => outcome.subTask === subTask.name),
    1,
  );
  run.retriedSinceReply = true;
  subTask.retries += 1;
  subTask.failures -= 1;
  subTask.startedAt = null;
  subTask.finishedAt = null;
  subTask.durationMs = null;
}

function advanceSubTask(subTask: SubTaskRecord, event: SubTaskEvent): void {
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
