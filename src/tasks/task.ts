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

/** A sub-task that a task lists with options, not only by its class. */
export interface LaterSubTask {
  readonly subTask: Type<SubTaskHandler>;
  /** When the sub-task starts. Default `at-once`. */
  readonly start?: StartRule;
  /**
   * Whether the sub-task is eligible for a run with this parsed input. If `when` returns false, the sub-task is skipped. If `when` throws, or
   * takes longer than 1 s, the sub-task fails with `when-failed`. Default: always eligible.
   */
  when?(input: unknown): boolean | Promise<boolean>;
  /**
   * Makes the sub-task a shadow. A shadow runs beside the others, its result is in no reply, and the race table compares the result with the
   * reply. A shadow begins behind the others, so it takes no `start`. Default: no shadow.
   */
  readonly shadow?: ShadowOptions;
}

export interface TaskOptions {
  /** Letters, digits, `.`, `_` and `-`; unique in the service. */
  name: string;
  /** The sub-tasks, in the order in which they start. A sub-task that is listed as a class starts at once. Shadows begin behind all others. */
  subTasks: readonly (Type<SubTaskHandler> | LaterSubTask)[];
  /** Reply policy of runs that name none. Default `first-success`. */
  reply?: ReplyPolicy;
  /** Losers policy of runs that name none. Default `continue`; `cancel` where a sub-task streams. */
  losers?: LosersPolicy;
  /**
   * What happens when a stream breaks off after callers were shown a part of it. `fail`: the run fails. `restart`: another attempt or sub-task begins
   * from scratch, and callers are told so. Default `fail`.
   */
  onBreak?: OnBreak;
  /** `openai-chat`: the task is also served as OpenAI’s chat completions, at `/openai/<name>/v1`. Default: none. */
  face?: Face;
  /** How long after a run's start its unfinished sub-tasks are cancelled, such as `30s`. A run may name another deadline. Default: never. */
  deadline?: string;
  /**
   * `learned`: the sub-task whose answer is expected soonest starts first, and so on. The start rules keep their places in the list. It costs extra
   * starts to learn from, within `hedgeBudget`. Default `declared`: sub-tasks start as they are listed.
   */
  order?: StartOrder;
  /** How many hedges (starts because time has passed) the task may have, as a percentage of its runs. `off`: no bound. Default `10%`. */
  hedgeBudget?: string;
  /**
   * Equal requests get the same run while the run has no reply: `{ key: '{input.city}', for: '200ms', shared: true }`. Each member may be left out.
   * Default: each request has its own run.
   */
  coalesce?: CoalesceOptions;
  /**
   * The last good run answers equal requests: `{ for: '30s', staleIfError: '1h' }`. It costs a read of the journal for each request.
   * Default: past runs answer no requests.
   */
  reuse?: ReuseOptions;
  /**
   * Schema of the input, from zod, valibot, arktype or another library that follows Standard Schema. Sub-tasks get the parsed input.
   * Default: any JSON value.
   */
  input?: StandardSchemaV1;
  /**
   * `false` keeps the input out of the journal, and so out of all reads. After a crash, unfinished sub-tasks fail with
   * `input-not-kept`. Default true.
   */
  keepInput?: boolean;
  /**
   * JSON Pointers to values that the journal must not have, such as `/input/card/number` or `/result/token`. Callers that wait get the whole
   * results; all reads have `[redacted]` instead. After a crash, unfinished sub-tasks of a run with a redacted input fail with `input-not-kept`.
   */
  redact?: readonly string[];
  /**
   * Runs of different keys share slots evenly. The key is a template over the input, the labels or the client, such as `{labels.tenant}`. Runs that
   * lack the value share one key. Default: runs wait in their order.
   */
  concurrencyKey?: string;
  /** How many sub-tasks of the task may run at once for one key on a node. Default: no bound per key. */
  concurrencyPerKey?: number;
  /**
   * Webhooks of all runs of the task, besides those that a run names: `[{ url, events: ['run.finished'], secret }]`, at most eight. Without a secret,
   * deliveries are signed with the service's secret. A URL with http or with an address that isn't public needs `allowPrivate: true`.
   */
  webhooks?: readonly TaskWebhook[];
}

export const TaskMetadata = DiscoveryService.createDecorator<TaskOptions>();

/** Makes a class a task. The task is found where any module lists the class as a provider. */
export function Task(options: TaskOptions): ClassDecorator {
  return applyDecorators(Injectable(), TaskMetadata(options));
}
