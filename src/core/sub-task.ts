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
  /** Aborted when the attempt times out or is cancelled. Pass the signal to all calls that can be interrupted. */
  readonly signal: AbortSignal;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** The same for every attempt of this sub-task in this run. Send the key with calls that must take effect only once. */
  readonly idempotencyKey: string;
  readonly runId: string;
  /**
   * A `traceparent` (W3C Trace Context) for the calls that this attempt makes: a new span in the trace of the request that started
   * the run, or in the run's own trace.
   */
  readonly traceparent: string;
  /** Headers of the request that started the run, as far as `callerHeaders` of the task’s sub-tasks names them. */
  readonly callerHeaders: CallerHeaders;
  /** When this attempt times out. */
  readonly deadline: Date;
  /**
   * Reports how far the attempt has come: any JSON of at most 1 KiB. The newest value becomes an event and part of the run, at most four times
   * a second; the last value does before the attempt ends. Each event is written to the disk. If a value can't be kept, that is logged once.
   */
  readonly progress: (value: unknown) => void;
  /** For a stream: how many tokens its chunks have so far, where the sub-task knows. The race table adds up the tokens. */
  tokens?: number | undefined;
  /** Writes lines with the run's id, the sub-task's name and the attempt. */
  readonly logger: SubTaskLogger;
}

/**
 * One unit of work. `run` must return a value that JSON can hold; `undefined` counts as `null`. Integers outside of ±(2^53 - 1) are
 * bigints, in the input and in the result.
 */
export interface SubTaskHandler<Input = never> {
  /** What the sub-task calls, for people: `GET https://eu.example.com/weather`. `GET /tasks/{name}` shows this text. Default: none. */
  readonly target?: string;
  run(input: Input, context: SubTaskContext): unknown;
}

/** How the stream of a sub-task races. */
export interface StreamOptions {
  /**
   * Whether a chunk can win the race. The first such chunk of all sub-tasks decides which stream callers are shown. Default: every chunk
   * except null, '', {} and [].
   */
  wins?: (chunk: JsonValue) => boolean | Promise<boolean>;
  /** Longest wait for the attempt's first chunk that can win; then the attempt fails with `stream-stalled`. Default: `timeout`. */
  firstChunk?: Duration;
  /** Longest wait for each further chunk; then the attempt fails with `stream-stalled`. Default 10 s. */
  idle?: Duration;
}

export interface RetryOptions {
  /** Attempts in all, the first one included. Default 1: no retry. */
  attempts?: number;
  /** Bound of the wait before the second attempt. The bound doubles with each further attempt. Default 100 ms. */
  delay?: Duration;
  /** Bound that the doubling stops at. Default 10 s. */
  maxDelay?: Duration;
  /** Longest wait that a failure may ask for (`Retry-After`). If a failure asks for more, no attempt follows. Default `maxDelay`. */
  maxWait?: Duration;
  /** Classes of errors after which another attempt would fail too, so that none is made. Default none. */
  except?: readonly (abstract new (...args: never[]) => Error)[];
}

export interface SubTaskOptions {
  /** Letters, digits, `.`, `_` and `-`; unique within a task. */
  name: string;
  /** Longest time of one attempt. Default 60 s, and 10 min for a stream. */
  timeout?: Duration;
  /** Each wait is a random time between 0 and its bound (exponential backoff with full jitter). Default: no retry. */
  retry?: RetryOptions;
  /** How many of this sub-task may run at once on a node, over all runs. Default: bounded by `MAX_CONCURRENT_SUB_TASKS` alone. */
  concurrency?: number;
  /**
   * `worker`: any free node that takes work (`ROLE`) executes the sub-task, which costs some 10 ms before it starts. Default
   * `here`: the node that accepted the run executes it. Where nodes don't share a database, every sub-task is executed here.
   */
  placement?: SubTaskPlacement;
  /**
   * Names of headers of the request that starts a run. The sub-task gets these headers in `context.callerHeaders`. They are kept with
   * the run, also on disk, and never shown or logged. Default none.
   */
  callerHeaders?: readonly string[];
  /**
   * Schema of the result, from zod, valibot, arktype or another library that follows Standard Schema. The value that the schema parses becomes
   * the result. A value that the schema refuses fails the attempt with `result-unfit`. Default: any value that JSON can hold.
   */
  output?: StandardSchemaV1;
  /**
   * Declares that `run` returns an async iterable or an Observable of chunks. The result is made of all chunks: one text where all chunks are
   * texts, else a list. Default: no stream.
   */
  stream?: true | StreamOptions;
  /**
   * Stops calls to the upstream while the upstream fails or is slow. Meanwhile attempts fail at once with `circuit-open`, so that the next
   * sub-task starts. Default: no breaker.
   */
  breaker?: boolean | BreakerOptions;
}

export const SUB_TASK_PLACEMENTS = ['here', 'worker'] as const;

export type SubTaskPlacement = (typeof SUB_TASK_PLACEMENTS)[number];
