import type { RunRecord } from '../core/run-record.js';

/** What became of a command. */
export interface Commanded {
  /** The run as that leaves it. */
  readonly run: Readonly<RunRecord>;
  /** Whether it is done and on record; else it is on record that it was asked for, and a node does it as soon as it can. */
  readonly isDone: boolean;
  /** Whether an earlier request with the same idempotency key has done it. */
  readonly replayed?: boolean;
}
