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
      if (event.type === 'sub-task.retrying' && subTask.finishedAt !== null)
        withdrawOutcome(run, subTask.name);
      advanceSubTask(subTask, event);
      const outcome = outcomeOf(event);
      if (outcome) run.outcomes.push(outcome);
    }
  }
}

/** A sub-task that had failed is tried again, on request: its outcome counts no more. */
function withdrawOutcome(run: RunRecord, name: string): void {
  run.outcomes.splice(
    run.outcomes.findIndex(({ subTask }) => subTask === name),
    1,
  );
  run.retriedSinceReply = true;
}
