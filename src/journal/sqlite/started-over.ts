import { MOST_STARTS } from '../survival.js';
import type { Statements } from './statements.js';

// The checksum of a run that is set aside is one higher.
const SET_ASIDE =
  'UPDATE open_runs SET set_aside = 1, checksum = checksum + 1 WHERE starts >= ? AND set_aside = 0';
const THOSE_SET_ASIDE = 'SELECT id FROM open_runs WHERE set_aside = 1 ORDER BY number';
const COUNT = 'UPDATE open_runs SET starts = starts + 1 WHERE id IN (SELECT value FROM json_each(?))';
const SURVIVED = 'UPDATE open_runs SET starts = 0 WHERE starts > 0 AND set_aside = 0';
const TAKE_BACK =
  'UPDATE open_runs SET set_aside = 0, checksum = checksum - 1 WHERE id = ? AND set_aside = 1';

/** Sets aside runs that too many starts in a row have died over. @returns the ids of all runs that are set aside, the oldest first */
export function setAside(statements: Statements): string[] {
  statements.run(SET_ASIDE, MOST_STARTS);
  return statements.all<{ id: string }>(THOSE_SET_ASIDE).map(({ id }) => id);
}

/** Counts a start for each of the runs that the journal is about to resume. */
export function countStart(statements: Statements, ids: readonly string[]): void {
  statements.run(COUNT, JSON.stringify(ids));
}

/** Called when this start has survived what it resumed. Deaths are then counted from 0 again. */
export function survived(statements: Statements): void {
  statements.run(SURVIVED);
}

/** Lets a run be resumed. The next start sets it aside again, unless this start survives. */
export function takeBack(statements: Statements, id: string): void {
  statements.run(TAKE_BACK, id);
}
