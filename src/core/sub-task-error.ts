import type { AttemptError, UpstreamAnswer } from './run.js';

export interface SubTaskErrorOptions {
  /** Stable, for programs. Default `threw`. */
  readonly code?: AttemptError['code'];
  /** What the upstream answered, where that is what went wrong. */
  readonly upstream?: UpstreamAnswer;
  /** Whether another attempt may mend it; false ends the sub-task. Default true. */
  readonly retry?: boolean;
  /**
   * Whether no other sub-task would fare better, as when the input itself is at fault: then no further attempt is made, and none
   * of the sub-tasks starts that haven't yet. Default false.
   */
  readonly final?: boolean;
  /** The least wait before the next attempt, in milliseconds. None follows where it is longer than `retry.maxWait`, or than what is left of the run. Default 0. */
  readonly retryAfterMs?: number;
}

/** What a sub-task throws that has more to say of its failure than a message. */
export class SubTaskError extends Error {
  constructor(
    message: string,
    readonly options: SubTaskErrorOptions = {},
  ) {
    super(message);
    this.name = 'SubTaskError';
  }
}
