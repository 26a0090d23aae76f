import type { RunEvent } from '../../core/events.js';
import type { JournaledRun, JournalEntry } from '../../run/journaled-run.js';

/** What became of a group. */
export interface Committed {
  readonly firstId: number;
  /** The places of those that were fenced out, from 1. */
  readonly refused: readonly number[];
}

/** Events that a row of `commits` has. */
export interface CommittedRow {
  /** The id of the first of them: the row's key. */
  readonly first: number;
  readonly events: readonly RunEvent[];
}

/** What is on record of a group, stamped, and what was fenced out. */
export interface GroupOutcome {
  readonly committed: readonly JournalEntry[];
  readonly rows: readonly CommittedRow[];
  readonly refused: readonly Refusal[];
}

/** An event that was fenced out. */
export interface Refusal extends JournalEntry {
  /** Whether the run is another node's; else only the sub-task is, or the reopening. */
  readonly isLost: boolean;
}

/** Lets a run know a row of `commits` that has an event of it. */
export function addCommit({ commits }: JournaledRun, first: number): void {
  if (commits.at(-1) !== first && !commits.includes(first)) commits.push(first);
}
