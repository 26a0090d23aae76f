import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { StringValue } from 'ms';
import type { Coalescing } from './coalescing.js';
import type { Condition } from './condition.js';
import type { BreakerTerms } from './breaker.js';
import type { Face } from './face.js';
import type { Fairness } from './fairness.js';
import type { JsonValue } from './json.js';
import type { LosersPolicy, OnBreak, ReplyPolicy } from './policies.js';
import type { Redaction } from './redaction.js';
import type { StartOrder, StartRule } from './start-rule.js';
import type { ShadowTerms } from './shadow.js';
import type { Hidden } from './hidden.js';
import type { RetryOptions, SubTaskHandler, SubTaskPlacement } from './sub-task.js';
import type { TaskWebhook } from './webhook.schema.js';

/** A sub-task ready to run: its handler, and its options with the defaults filled in. */
export interface SubTaskDefinition {
  readonly name: string;
  readonly handler: SubTaskHandler<unknown>;
  readonly timeoutMs: number;
  readonly retry: {
    readonly attempts: number;
    readonly delayMs: number;
    readonly maxDelayMs: number;
    readonly maxWaitMs: number;
    readonly except: NonNullable<RetryOptions['except']>;
  };
  readonly concurrency: number;
  readonly placement: SubTaskPlacement;
  /** Names of headers, in lower case. */
  readonly callerHeaders: readonly string[];
  /** Undefined where the sub-task doesn't stream. */
  readonly stream: StreamTerms | undefined;
  /** Undefined where the sub-task has no breaker. */
  readonly breaker: BreakerTerms | undefined;
}

/** How the stream of a sub-task races: {@link StreamOptions} with their defaults. */
export interface StreamTerms {
  readonly wins: (chunk: JsonValue) => boolean | Promise<boolean>;
  /** Infinity: bounded by the attempt's timeout alone. */
  readonly firstChunkMs: number;
  readonly idleMs: number;
  /** Checks the result with the sub-task's schema, and returns the parsed result. */
  readonly checked: (result: JsonValue) => unknown;
}

/** A webhook of all runs of a task. `written`: see `WebhookTarget`. */
export type DeclaredWebhook = Omit<TaskWebhook, 'secret'> & {
  readonly secret?: Hidden;
  readonly written?: string;
};

/** A task that was found and checked at start. */
export interface TaskDefinition {
  readonly name: string;
  readonly subTasks: readonly SubTaskDefinition[];
  /** Start rules of the sub-tasks, in the same order: first at once, then after a time, after a failed attempt, after a failure. */
  readonly starts: readonly StartRule[];
  /** `declared`: sub-tasks start in that order. `learned`: each run starts in the learnt order, and the rules keep their places. */
  readonly order: StartOrder;
  /** Conditions by the name of the sub-task; undefined where every sub-task is eligible for any input. */
  readonly conditions: ReadonlyMap<string, Condition> | undefined;
  /** The shadows by name, which `subTasks` lists after all others; undefined where there are none. */
  readonly shadows: ReadonlyMap<string, ShadowTerms> | undefined;
  /** How many hedges runs may have on average; Infinity for no bound. */
  readonly hedgeBudget: number;
  readonly reply: ReplyPolicy;
  readonly losers: LosersPolicy;
  readonly deadline: StringValue | undefined;
  readonly input: StandardSchemaV1 | undefined;
  /** Names, in lower case, of the request's headers that a run keeps. */
  readonly callerHeaders: readonly string[];
  /** Undefined where the journal may have everything. */
  readonly redaction: Redaction | undefined;
  readonly webhooks: readonly DeclaredWebhook[] | undefined;
  /** What becomes of a run whose stream breaks off after callers were shown a part of the stream. */
  readonly onBreak: OnBreak;
  /** Whether a sub-task that is no shadow streams. */
  readonly streams: boolean;
  /** A further API that serves the task; undefined: none. */
  readonly face: Face | undefined;
  /** How requests share runs; undefined where each request has its own run. */
  readonly coalescing: Coalescing | undefined;
  /** How the task's runs share slots; undefined where no key is named, and runs wait in their order. */
  readonly fairness: Fairness | undefined;
}
