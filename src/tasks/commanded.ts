import type { RunRecord } from '../core/run-record.js';

/** The result of a command. */
export interface Commanded {
  /** The run after the command. */
  readonly run: Readonly<RunRecord>;
  /** True: the command is done, and recorded. False: only the request is recorded, and a node performs it as soon as it can. */
  readonly isDone: boolean;
  /** Whether an earlier request with the same idempotency key did the command. */
  readonly replayed?: boolean;
}
