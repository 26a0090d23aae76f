import type { RunEvent } from '../../core/events.js';
import type { JournaledRun, JournalEntry } from '../../run/journaled-run.js';

/** The database's answer to the commit of a group. */
export interface Committed {
  readonly firstId: number;
  /** The places, from 1, of the events that were fenced out. */
  readonly refused: readonly number[];
}

/** The events of a row of `commits`. */
export interface CommittedRow {
  /** The id of the first event: the row's key. */
  readonly first: number;
  readonly events: readonly RunEvent[];
}

/** The events of a group that were recorded, with their numbers and times, and those that were fenced out. */
export interface GroupOutcome {
  readonly committed: readonly JournalEntry[];
  readonly rows: readonly CommittedRow[];
  readonly refused: readonly Refusal[];
}

/** An event that was fenced out. */
export interface Refusal extends JournalEntry {
  /** Whether another node has the run now. If not, only the sub-task was fenced out, or the reopening. */
  readonly isLost: boolean;
}

/** Adds a row of `commits` to the rows that a run knows to have its events. */
export function addCommit({ commits }: JournaledRun, first: number): void {
  if (commits.at(-1) !== first && !commits.includes(first)) commits.push(first);
}
