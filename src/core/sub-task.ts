import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { BreakerOptions } from './breaker.js';
import type { CallerHeaders } from './caller-headers.js';
import type { Duration } from './duration.js';
import type { JsonValue } from './json.js';

type LogLine = (message: string, fields?: object) => void;

export interface SubTaskLogger {
  readonly log: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
}

/** What a sub-task's `run` is given besides the input. */
export interface SubTaskContext {
  /** Aborted when the attempt times out or is cancelled. Pass it on to whatever can be interrupted. */
  readonly signal: AbortSignal;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** The same for every attempt of this sub-task in this run: give it to whatever must happen only once. */
  readonly idempotencyKey: string;
  readonly runId: string;
  /**
   * A `traceparent` (W3C Trace Context) for whatever this attempt calls: a new span in the trace of the request that started
   * the run, or in a trace of the run's own.
   */
  readonly traceparent: string;
  /** The headers that `callerHeaders` of the task’s sub-tasks names and the request that started the run had. */
  readonly callerHeaders: CallerHeaders;
  /** When this attempt times out. */
  readonly deadline: Date;
  /**
   * Says how far the attempt has come: any JSON of at most 1 KiB. The newest value is an event and part of the run, at most four times
   * a second, and the last one before the attempt ends. Each is written to the disk. A value that can't be kept is logged, once.
   */
  readonly progress: (value: unknown) => void;
  /** Of a stream: how many tokens its chunks have so far, where it knows. The race table adds them up. */
  tokens?: number | undefined;
  /** Writes lines with the run's id, the sub-task's name and the attempt. */
  readonly logger: SubTaskLogger;
}

/**
 * One unit of work. What `run` returns must be something JSON can hold; `undefined` counts as `null`. Integers outside of ±(2^53 - 1) are
 * bigints, in the input and in the result.
 */
export interface SubTaskHandler<Input = never> {
  /** What it calls, for people, such as `GET https://eu.example.com/weather`; `GET /tasks/{name}` shows it. Default: nothing is said. */
  readonly target?: string;
  run(input: Input, context: SubTaskContext): unknown;
}

/** How the stream of a sub-task races. */
export interface StreamOptions {
  /**
   * Whether a chunk is worth winning with: the first such chunk of all sub-tasks decides whose stream callers are shown. Default: every chunk
   * but null, '', {} and [].
   */
  wins?: (chunk: JsonValue) => boolean | Promise<boolean>;
  /** How long an attempt may take until its first chunk that wins; then it fails with `stream-stalled`. Default: as long as `timeout`. */
  firstChunk?: Duration;
  /** Longest wait for each further chunk; then the attempt fails with `stream-stalled`. Default 10 s. */
  idle?: Duration;
}

export interface RetryOptions {
  /** Attempts in all, the first one included. Default 1: no retry. */
  attempts?: number;
  /** Bound of the wait before the second attempt; it doubles with each further one. Default 100 ms. */
  delay?: Duration;
  /** Bound that the doubling stops at. Default 10 s. */
  maxDelay?: Duration;
  /** Longest wait that a failure may ask for (`Retry-After`); a longer one ends the attempts. Default `maxDelay`. */
  maxWait?: Duration;
  /** Classes of errors that another attempt would not mend. Default none. */
  except?: readonly (abstract new (...args: never[]) => Error)[];
}

export interface SubTaskOptions {
  /** Letters, digits, `.`, `_` and `-`; unique within a task. */
  name: string;
  /** How long one attempt may take. Default 60 s, and 10 min for a stream. */
  timeout?: Duration;
  /** Waits are drawn between 0 and the bound (exponential backoff with full jitter). Default: no retry. */
  retry?: RetryOptions;
  /** How many may run at once on a node, over all runs. Default: bounded by `MAX_CONCURRENT_SUB_TASKS` alone. */
  concurrency?: number;
  /**
   * `worker`: it is executed by whichever node takes work (`ROLE`) and is free, which costs some 10 ms before it starts. Default
   * `here`: by the node that accepted its run. Where nodes don't share a database, all is executed here.
   */
  placement?: SubTaskPlacement;
  /**
   * Names of headers of the request that starts a run: `context.callerHeaders` has them. They are kept with the run, also on
   * disk, and never shown or logged. Default none.
   */
  callerHeaders?: readonly string[];
  /**
   * What a result must look like: a schema of zod, valibot, arktype or another library that follows Standard Schema. The result is what it
   * parses to; one that it doesn't take fails the attempt with `result-unfit`. Default: whatever JSON can hold.
   */
  output?: StandardSchemaV1;
  /**
   * Declares that `run` returns an async iterable or an Observable of chunks. The result is made of all of them: one text where all are texts, else a
   * list. Default: no stream.
   */
  stream?: true | StreamOptions;
  /**
   * Leaves what it calls alone while that fails, or is slow: meanwhile its attempts fail at once with `circuit-open`, so that the next sub-task starts.
   * Default: no breaker.
   */
  breaker?: boolean | BreakerOptions;
}

export const SUB_TASK_PLACEMENTS = ['here', 'worker'] as const;

export type SubTaskPlacement = (typeof SUB_TASK_PLACEMENTS)[number];
