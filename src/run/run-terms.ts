import type { StringValue } from 'ms';
import type { CallerHeaders } from '../core/caller-headers.js';
import { milliseconds } from '../core/duration.js';
import type { RunEvent } from '../core/events.js';
import type { JsonValue } from '../core/json.js';
import type { Labels } from '../core/labels.js';
import type { LosersPolicy, ReplyPolicy } from '../core/policies.js';
import type { RunOrigin } from '../core/run-origin.js';
import type { RunRecord } from '../core/run-record.js';
import type { AttemptError, Obstacle } from '../core/run.js';
import type { StartRule } from '../core/start-rule.js';
import type { SubTaskDefinition, TaskDefinition } from '../core/task.js';
import type { WebhookTarget } from '../core/webhook.schema.js';
import type { RunTrace } from '../tracing/run-trace.js';

/** What a run was asked for. */
export interface RunTerms {
  readonly id: string;
  /** The name of its task. */
  readonly task: string;
  /** Undefined when the service has the task no more. */
  readonly definition: TaskDefinition | undefined;
  /** The names of its sub-tasks. */
  readonly subTasks: readonly string[];
  /** Those of them that are shadows; undefined where none is. */
  readonly shadows?: readonly string[] | undefined;
  /** Why those of them that are not eligible never begin, by their names; undefined where all are. */
  readonly obstacles?: ReadonlyMap<string, Obstacle> | undefined;
  /** As the journal keeps it. */
  readonly input: JsonValue;
  /** Whether that is all that the caller sent. */
  readonly inputIsKept: boolean;
  /** What the task's schema made of the input, and what sub-tasks get. */
  readonly parsedInput: unknown;
  /** What the input takes in memory, roughly. */
  readonly inputBytes: number;
  readonly replyPolicy: ReplyPolicy;
  readonly losers: LosersPolicy;
  /** See `RunRecord`. */
  readonly onBreak?: 'restart' | undefined;
  readonly labels: Labels | undefined;
  /** Whose it is among those that wait for slots; undefined where it has none, and shares what all such have: see `Fairness`. */
  readonly key?: string | undefined;
  /** How long after its start its unfinished sub-tasks are cancelled, where they are. */
  readonly deadline: StringValue | undefined;
  readonly origin: RunOrigin;
  /** The headers of that request that the task takes; undefined where it takes none. */
  readonly callerHeaders?: CallerHeaders | undefined;
  /** Its own webhooks, those of its task among them; undefined where it has none. */
  readonly webhooks?: readonly WebhookTarget[] | undefined;
  /** Why none of its sub-tasks can begin, where that is so: the service has changed since the run began. */
  readonly unfit?: AttemptError | undefined;
  /** Its spans; undefined where no traces are on. */
  readonly trace?: RunTrace | undefined;
}

/** Its sub-tasks are the task's, in the same order, unless the task has changed since the run began. @param at its place */
export function definitionOf({ definition }: RunTerms, name: string, at = 0): SubTaskDefinition | undefined {
  const likely = definition?.subTasks[at];
  return likely?.name === name ? likely : definition?.subTasks.find((subTask) => subTask.name === name);
}

/** When the task, as it is now, starts a sub-task: where it learns its order, by the place that the run has it at. */
export function startOf({ definition, subTasks }: RunTerms, name: string): StartRule | undefined {
  if (definition?.order === 'learned') return definition.starts[subTasks.indexOf(name)];
  return definition?.starts[definition.subTasks.findIndex((subTask) => subTask.name === name)];
}

/** Why a sub-task can't begin, where that is so: the service has changed since the run began. */
export function obstacleOf(terms: RunTerms, name: string): AttemptError | undefined {
  if (terms.unfit || definitionOf(terms, name)) return terms.unfit;
  return { code: 'task-unknown', message: `The task ${terms.task} has no such sub-task any more` };
}

/** What of them is recorded as the first event of the run. */
export function recordedTerms(terms: RunTerms): RunEvent<'run.started'>['data'] {
  const {
    subTasks,
    shadows,
    input,
    inputIsKept,
    replyPolicy,
    losers,
    onBreak,
    deadline,
    origin,
    callerHeaders,
    webhooks,
  } = terms;
  const { requestId, traceparent } = origin;
  return {
    input,
    ...(!inputIsKept && { inputKept: false as const }),
    replyPolicy,
    losers,
    subTasks,
    ...(shadows && { shadows }),
    ...(onBreak && { onBreak }),
    ...(deadline !== undefined && { deadline }),
    ...(typeof requestId === 'string' && { requestId }),
    ...(typeof traceparent === 'string' && { traceparent }),
    ...(callerHeaders && { callerHeaders }),
    ...(webhooks && { webhooks }),
  };
}

/**
 * When its deadline ends a run, in milliseconds since 1970; Infinity for one without, and for one that was reopened.
 *
 * @param record what an earlier process has recorded of it
 */
export function endOf(
  { deadline }: RunTerms,
  clock: { now(): number },
  record?: Readonly<RunRecord>,
): number {
  if (deadline === undefined || record?.reopened || (record && record.finishedAt !== null)) return Infinity;
  return (record ? Date.parse(record.createdAt) : clock.now()) + milliseconds(deadline);
}
