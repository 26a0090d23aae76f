import { applyDecorators, Injectable, type Type } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { CoalesceOptions, ReuseOptions } from '../core/coalescing.js';
import type { Face } from '../core/face.js';
import type { LosersPolicy, OnBreak, ReplyPolicy } from '../core/policies.js';
import type { StartOrder, StartRule } from '../core/start-rule.js';
import type { ShadowOptions } from '../core/shadow.js';
import type { SubTaskHandler } from '../core/sub-task.js';
import type { TaskWebhook } from '../core/webhook.schema.js';

/** A sub-task of a task of which more is said than its class. */
export interface LaterSubTask {
  readonly subTask: Type<SubTaskHandler>;
  /** Default `at-once`. */
  readonly start?: StartRule;
  /**
   * Whether it is eligible for a run, by the parsed input. Where it is false the sub-task is skipped; where it throws, or takes longer
   * than 1 s, the sub-task fails with `when-failed`. Default: always.
   */
  when?(input: unknown): boolean | Promise<boolean>;
  /**
   * Makes it a shadow: it runs beside the others, its result is in no reply, and the race table compares it with the reply. It begins behind the
   * others, so it takes no `start`. Default: not.
   */
  readonly shadow?: ShadowOptions;
}

export interface TaskOptions {
  /** Letters, digits, `.`, `_` and `-`; unique in the service. */
  name: string;
  /** The sub-tasks, in the order in which they start; those that are listed as classes start at once. Shadows begin behind all others. */
  subTasks: readonly (Type<SubTaskHandler> | LaterSubTask)[];
  /** Used by runs that name none. Default `first-success`. */
  reply?: ReplyPolicy;
  /** Used by runs that name none. Default `continue`; `cancel` where a sub-task streams. */
  losers?: LosersPolicy;
  /**
   * When a stream breaks off of which callers were shown some: `fail` fails the run; `restart` lets another attempt or sub-task begin from scratch, and
   * tells callers. Default `fail`.
   */
  onBreak?: OnBreak;
  /** `openai-chat`: it is also served as OpenAI’s chat completions, at `/openai/<name>/v1`. Default: not. */
  face?: Face;
  /** How long after the start of a run its unfinished sub-tasks are cancelled, such as `30s`; used by runs that name none. Default: never. */
  deadline?: string;
  /**
   * `learned`: the sub-task of which an answer is expected soonest starts first, and so on; the start rules stay at their places. Costs extra starts to
   * learn from, within `hedgeBudget`. Default `declared`: as they are listed.
   */
  order?: StartOrder;
  /** How many extra starts because time has passed its runs may have, such as `10%` of its runs, which is the default; `off`: no bound. */
  hedgeBudget?: string;
  /**
   * Equal requests get the same run while it has no reply: `{ key: '{input.city}', for: '200ms', shared: true }`, each of which may be left out.
   * Default: each request has a run of its own.
   */
  coalesce?: CoalesceOptions;
  /**
   * The last good run answers equal requests: `{ for: '30s', staleIfError: '1h' }`. It costs a read of the journal for each of them. Default: none
   * does.
   */
  reuse?: ReuseOptions;
  /**
   * What an input must look like: a schema of zod, valibot, arktype or another library that follows Standard Schema. Sub-tasks get what it
   * parses to. Default: any JSON value.
   */
  input?: StandardSchemaV1;
  /**
   * `false` leaves the input out of the journal, and so of all reads. After a crash, sub-tasks that were unfinished fail with
   * `input-not-kept`. Default true.
   */
  keepInput?: boolean;
  /**
   * JSON Pointers to values that the journal must not have, such as `/input/card/number` or `/result/token`. Callers that wait get results
   * whole; all reads have `[redacted]`. A redacted input can't begin sub-tasks again after a crash either.
   */
  redact?: readonly string[];
  /**
   * Whose runs share slots evenly with those of others: a template over the input, the labels or the client, such as `{labels.tenant}`. Runs that have
   * nothing there share one key. Default: runs wait in their order.
   */
  concurrencyKey?: string;
  /** How many sub-tasks of the task a key may have going at once on a node. Default: no bound of its own. */
  concurrencyPerKey?: number;
  /**
   * Where events of its runs are sent, beside the webhooks that a run names: `[{ url, events: ['run.finished'], secret }]`, eight at most. Those
   * without a secret are signed with that of the service. A URL that is http or no public one takes `allowPrivate: true`.
   */
  webhooks?: readonly TaskWebhook[];
}

export const TaskMetadata = DiscoveryService.createDecorator<TaskOptions>();

/** Makes a class a task, found wherever a module lists it as a provider. */
export function Task(options: TaskOptions): ClassDecorator {
  return applyDecorators(Injectable(), TaskMetadata(options));
}
