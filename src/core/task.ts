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

/** A sub-task as it is run: its handler, and its options with the defaults filled in. */
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
  /** In lower case. */
  readonly callerHeaders: readonly string[];
  /** Undefined where it returns its result at once. */
  readonly stream: StreamTerms | undefined;
  /** Undefined where nothing keeps it from calling what it calls. */
  readonly breaker: BreakerTerms | undefined;
}

/** How the stream of a sub-task races: {@link StreamOptions} with their defaults. */
export interface StreamTerms {
  readonly wins: (chunk: JsonValue) => boolean | Promise<boolean>;
  /** Infinity: as long as the attempt. */
  readonly firstChunkMs: number;
  readonly idleMs: number;
  /** What the schema of the sub-task makes of its result. */
  readonly checked: (result: JsonValue) => unknown;
}

/** A webhook of all runs of a task. `written`: see `WebhookTarget`. */
export type DeclaredWebhook = Omit<TaskWebhook, 'secret'> & {
  readonly secret?: Hidden;
  readonly written?: string;
};

/** A task as it was found and checked at start. */
export interface TaskDefinition {
  readonly name: string;
  readonly subTasks: readonly SubTaskDefinition[];
  /** When each of them starts: first those that do at once, then those that do after a time, then after a failure. */
  readonly starts: readonly StartRule[];
  /** Whether they start in that order, or each run starts in the order that was learnt, with the rules at their places. */
  readonly order: StartOrder;
  /** By the names of sub-tasks, for which inputs they start; undefined where all do for any. */
  readonly conditions: ReadonlyMap<string, Condition> | undefined;
  /** By their names, the sub-tasks that are shadows, which stand behind all others; undefined where there are none. */
  readonly shadows: ReadonlyMap<string, ShadowTerms> | undefined;
  /** How many hedges runs may have on average; Infinity for no bound. */
  readonly hedgeBudget: number;
  readonly reply: ReplyPolicy;
  readonly losers: LosersPolicy;
  readonly deadline: StringValue | undefined;
  readonly input: StandardSchemaV1 | undefined;
  /** The names, in lower case, of the headers that a run keeps of the request that starts it. */
  readonly callerHeaders: readonly string[];
  /** Undefined where the journal may have all. */
  readonly redaction: Redaction | undefined;
  readonly webhooks: readonly DeclaredWebhook[] | undefined;
  /** What becomes of a run whose stream breaks off after callers were shown some of it. */
  readonly onBreak: OnBreak;
  /** Whether one of its sub-tasks streams that is no shadow. */
  readonly streams: boolean;
  /** How it is served besides its own API; undefined: not. */
  readonly face: Face | undefined;
  /** Which runs requests share; undefined where each has its own. */
  readonly coalescing: Coalescing | undefined;
  /** How its runs share slots; undefined where none is named, and all of them come in turn. */
  readonly fairness: Fairness | undefined;
}
