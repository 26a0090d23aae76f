import type { StringValue } from 'ms';
import type { CallerHeaders } from './caller-headers.js';
import type { RunEvent } from './events.js';
import type { JsonValue } from './json.js';
import type { Labels } from './labels.js';
import { outcomeOf } from './outcome.js';
import type { LosersPolicy, ReplyPolicy } from './policies.js';
import type { WebhookTarget } from './webhook.schema.js';
import { leadAfter, type StreamLead } from './stream-lead.js';
import type { Decision, Outcome, RunStatus } from './run.js';
import { advanceSubTask, pendingSubTask, type SubTaskRecord } from './sub-task-record.js';

/** The recorded state of a run: what its committed events add up to. */
export interface RunRecord {
  readonly id: string;
  readonly task: string;
  readonly input: JsonValue;
  /** Whether `input` is all that the caller sent. False where a part was redacted. */
  readonly inputIsKept: boolean;
  readonly replyPolicy: ReplyPolicy;
  readonly losers: LosersPolicy;
  /** Undefined: the run fails when a stream breaks off after callers were shown a part of the stream. */
  readonly onBreak: 'restart' | undefined;
  /** Undefined when the run has no labels. */
  readonly labels: Labels | undefined;
  /** How long after the run's start its unfinished sub-tasks are cancelled. Undefined: never. */
  readonly deadline: StringValue | undefined;
  /** The id of the request that started the run; null where no request did. */
  readonly requestId: string | null;
  /** The `traceparent` of that request, or null. Where traces are on, the `traceparent` of the run's span. */
  readonly traceparent: string | null;
  /** The headers of that request that the task keeps; undefined where the task keeps none. Never shown. */
  readonly callerHeaders: CallerHeaders | undefined;
  /** Webhooks of the run and of its task; undefined where there are none. Secrets are sealed. Callers see only URLs and types of events. */
  readonly webhooks: readonly WebhookTarget[] | undefined;
  /** The client whose API key the request came with, or null: see `RunOrigin`. */
  readonly clientId: string | null;
  readonly createdAt: string;
  readonly subTasks: readonly SubTaskRecord[];
  /** Names of the sub-tasks that are shadows; undefined where none is. */
  readonly shadows?: readonly string[] | undefined;
  /** Outcomes of the sub-tasks that have ended, in the order in which they ended. */
  readonly outcomes: Outcome[];
  /** The id of the run's `run.started` event. */
  readonly firstEventId: number;
  /** Keys of the log's rows that have events of the run: the id of each row's first event. Set where the journal has such rows. */
  readonly commits?: readonly number[] | undefined;
  /** The id of the run's last event so far. It changes whenever anything in the run changes. */
  lastEventId: number;
  /** The time of the last event. */
  lastEventTime: string;
  status: RunStatus;
  /** Null as long as there is no reply. */
  decision: Decision | null;
  /** Whether a failed sub-task was tried again after the reply, so that an error reply may become a result. */
  retriedSinceReply: boolean;
  repliedAt: string | null;
  finishedAt: string | null;
  /** The attempt whose stream callers were shown last; undefined where no stream was shown. */
  lead?: StreamLead | undefined;
  /** Whether the run was finished before, and a failed sub-task was then tried again. */
  reopened: boolean;
}

/** The record of a new run, made from its `run.started` event. */
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
    subTasks: subTasks.map(pendingSubTask),
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

/** The record that the events of a run add up to. The first must be `run.started`. @param commits see {@link RunRecord} */
export function runOf([first, ...rest]: readonly RunEvent[], commits?: readonly number[]): RunRecord {
  if (first?.type !== 'run.started') throw new Error('A run begins with run.started');
  const run = { ...openRun(first), commits };
  for (const event of rest) advance(run, event);
  return run;
}

/** Brings `run` up to date with its next event. */
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
      if (event.type === 'sub-task.retrying' && subTask.finishedAt !== null)
        withdrawOutcome(run, subTask.name);
      advanceSubTask(subTask, event);
      const outcome = outcomeOf(event);
      if (outcome) run.outcomes.push(outcome);
    }
  }
}

/** Removes the outcome of a failed sub-task that is tried again on request. */
function withdrawOutcome(run: RunRecord, name: string): void {
  run.outcomes.splice(
    run.outcomes.findIndex(({ subTask }) => subTask === name),
    1,
  );
  run.retriedSinceReply = true;
}
