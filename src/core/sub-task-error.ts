import type { AttemptError, UpstreamAnswer } from './run.js';

export interface SubTaskErrorOptions {
  /** Stable, for programs. Default `threw`. */
  readonly code?: AttemptError['code'];
  /** What the upstream answered, where the answer is what went wrong. */
  readonly upstream?: UpstreamAnswer;
  /** Whether another attempt may succeed; false ends the sub-task. Default true. */
  readonly retry?: boolean;
  /**
   * Whether no other sub-task could succeed either, as when the input itself is wrong. Then no further attempt is made, and sub-tasks
   * that have not started never start. Default false.
   */
  readonly final?: boolean;
  /**
   * Least wait before the next attempt, in milliseconds. Where this is longer than `retry.maxWait`, or than the time left to the run, no attempt
   * follows. Default 0.
   */
  readonly retryAfterMs?: number;
}

/** Error that a sub-task throws to say more about its failure than a message. */
export class SubTaskError extends Error {
  constructor(
    message: string,
    readonly options: SubTaskErrorOptions = {},
  ) {
    super(message);
    this.name = 'SubTaskError';
  }
}
