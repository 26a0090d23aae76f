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

/** The terms of a run: what its caller asked for, and what the task says. */
export interface RunTerms {
  readonly id: string;
  /** The name of its task. */
  readonly task: string;
  /** Undefined when the service no longer has the task. */
  readonly definition: TaskDefinition | undefined;
  /** The names of its sub-tasks. */
  readonly subTasks: readonly string[];
  /** Names of the sub-tasks that are shadows; undefined where none is. */
  readonly shadows?: readonly string[] | undefined;
  /** Why some sub-tasks never begin, by their names; undefined where all are eligible. */
  readonly obstacles?: ReadonlyMap<string, Obstacle> | undefined;
  /** The input as the journal keeps it. */
  readonly input: JsonValue;
  /** Whether `input` is all that the caller sent. False where a part was redacted. */
  readonly inputIsKept: boolean;
  /** The input after the task's schema has parsed it. Sub-tasks get this one. */
  readonly parsedInput: unknown;
  /** Approximate memory of the input, in bytes. */
  readonly inputBytes: number;
  readonly replyPolicy: ReplyPolicy;
  readonly losers: LosersPolicy;
  /** See `RunRecord`. */
  readonly onBreak?: 'restart' | undefined;
  readonly labels: Labels | undefined;
  /** The key by which runs share slots; undefined for runs without one, which share one turn: see `Fairness`. */
  readonly key?: string | undefined;
  /** How long after the run's start its unfinished sub-tasks are cancelled; undefined for never. */
  readonly deadline: StringValue | undefined;
  readonly origin: RunOrigin;
  /** The headers of the request that the task keeps; undefined where it keeps none. */
  readonly callerHeaders?: CallerHeaders | undefined;
  /** Webhooks of the run and of its task; undefined where there are none. */
  readonly webhooks?: readonly WebhookTarget[] | undefined;
  /** Why no sub-task can begin, because the service has changed since the run began; undefined where they can. */
  readonly unfit?: AttemptError | undefined;
  /** The spans of the run; undefined where traces are off. */
  readonly trace?: RunTrace | undefined;
}

/** The declaration of a sub-task. The run's sub-tasks are in the task's order unless the task has changed since. @param at where to look first */
export function definitionOf({ definition }: RunTerms, name: string, at = 0): SubTaskDefinition | undefined {
  const likely = definition?.subTasks[at];
  return likely?.name === name ? likely : definition?.subTasks.find((subTask) => subTask.name === name);
}

/** The start rule of a sub-task, by the task as it is now. Where the task learns its order, the place in the run decides. */
export function startOf({ definition, subTasks }: RunTerms, name: string): StartRule | undefined {
  if (definition?.order === 'learned') return definition.starts[subTasks.indexOf(name)];
  return definition?.starts[definition.subTasks.findIndex((subTask) => subTask.name === name)];
}

/** Why a sub-task can't begin, because the service has changed since the run began; undefined where it can. */
export function obstacleOf(terms: RunTerms, name: string): AttemptError | undefined {
  if (terms.unfit || definitionOf(terms, name)) return terms.unfit;
  return { code: 'task-unknown', message: `The task ${terms.task} has no such sub-task any more` };
}

/** The part of the terms that the run's first event records. */
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
 * When its deadline ends a run, in milliseconds since 1970; Infinity for a run without a deadline or that was reopened.
 *
 * @param record what an earlier process has recorded of the run
 */
export function endOf(
  { deadline }: RunTerms,
  clock: { now(): number },
  record?: Readonly<RunRecord>,
): number {
  if (deadline === undefined || record?.reopened || (record && record.finishedAt !== null)) return Infinity;
  return (record ? Date.parse(record.createdAt) : clock.now()) + milliseconds(deadline);
}
