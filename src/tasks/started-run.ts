import type { JsonValue } from '../core/json.js';
import type { RunStatus } from '../core/run.js';

/** What a caller is told when the reply policy is met. */
export interface Answer {
  readonly runId: string;
  readonly task: string;
  readonly status: RunStatus;
  readonly result: JsonValue;
  readonly answeredBy: string | readonly string[];
  /** The sub-tasks without a result when a deadline made the reply; undefined where there are none. */
  readonly missing?: readonly string[];
  /** The sub-tasks that are still unfinished. */
  readonly background: readonly string[];
  /** Set when a past run answers, as the task's `reuse` says. */
  readonly reused?: true;
  /** Age of the past run's reply, in milliseconds. */
  readonly ageMs?: number;
}

/** The reply of a past run, with its age. */
export type PastReply = Answer & Required<Pick<Answer, 'ageMs'>>;

/** A run that was started by this request, by an earlier request with the same `Idempotency-Key`, or by an equal request. */
export interface StartedRun {
  readonly runId: string;
  readonly task: string;
  /** Whether an earlier request with the same key has started the run. */
  readonly replayed: boolean;
  /** Set when an equal request has started the run. */
  readonly coalesced?: true;
  /** The reply of the run, where a past run answers. */
  readonly reused?: PastReply;
  /** The past run whose reply answers when this run fails, and the age in milliseconds that the reply must not reach. */
  readonly stale?: { readonly runId: string; readonly maxAgeMs: number };
  /**
   * Set where the run begins when the caller's transaction commits. Waits until the run has begun.
   *
   * @returns false when that takes longer than `waitMs` milliseconds
   * @throws {DomainError} `run-unknown` when the transaction was rolled back; `journal-unavailable`, `stopping`
   */
  readonly begun?: (waitMs: number) => Promise<boolean>;
}
