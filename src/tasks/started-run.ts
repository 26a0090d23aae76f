import type { JsonValue } from '../core/json.js';
import type { RunStatus } from '../core/run.js';

/** What a caller is told when the reply policy is met. */
export interface Answer {
  readonly runId: string;
  readonly task: string;
  readonly status: RunStatus;
  readonly result: JsonValue;
  readonly answeredBy: string | readonly string[];
  /** The sub-tasks that had brought no result when a deadline made the reply, where there are some. */
  readonly missing?: readonly string[];
  /** The sub-tasks that are still unfinished. */
  readonly background: readonly string[];
  /** Set when a run of the past answers, as the task's `reuse` says. */
  readonly reused?: true;
  /** How old its reply is then, in milliseconds. */
  readonly ageMs?: number;
}

/** A reply of the past, and how old it is. */
export type PastReply = Answer & Required<Pick<Answer, 'ageMs'>>;

/** A run that was started, now, by an earlier request with the same `Idempotency-Key`, or by an equal one. */
export interface StartedRun {
  readonly runId: string;
  readonly task: string;
  /** Whether it is the run of an earlier request with the same key. */
  readonly replayed: boolean;
  /** Set when an equal request has started it. */
  readonly coalesced?: true;
  /** What the run has replied, where it is one of the past that answers. */
  readonly reused?: PastReply;
  /** The run of the past whose reply answers when this one fails, up to an age in milliseconds. */
  readonly stale?: { readonly runId: string; readonly maxAgeMs: number };
  /**
   * Of a run that begins with the commit of a transaction of the caller: waits until it has begun. Resolves to false when it takes longer.
   *
   * @throws {DomainError} `run-unknown` when the transaction was rolled back; `journal-unavailable`, `stopping`
   */
  readonly begun?: (waitMs: number) => Promise<boolean>;
}
