import type { SQLInputValue } from 'node:sqlite';
import type { RunRow } from '../history-rows.js';
import { expectWritten, rowChecksum, withChecksums } from './row-checksum.js';
import type { EventGroup } from './sqlite-group.js';
import type { Statements } from './statements.js';

/** What is read of a run's row, with its checksums: see `addRunChecksums`. */
export interface CheckedRun extends RunRow {
  readonly client: string | null;
  /** JSON; null for an open run. */
  readonly commits: string | null;
  readonly checksum: number | null;
  readonly end_checksum: number | null;
}

const FINISHED = `
  SELECT number, id, task, status, created_at, finished_at, client, commits, checksum, end_checksum
  FROM runs WHERE id = ?`;

/** Ends an open run. Its parameters are `status, finished_at, commits, end_checksum, number`. */
const FINISH = `
  INSERT INTO runs (number, id, task, created_at, client, checksum, status, finished_at, commits, end_checksum)
  SELECT number, id, task, created_at, client, checksum - set_aside, ?, ?, ?, ? FROM open_runs WHERE number = ?`;

/** Opens a run that has ended. Its parameter is `number`. */
const REOPEN = `
  INSERT INTO open_runs (number, id, task, created_at, client, checksum)
  SELECT number, id, task, created_at, client, checksum FROM runs WHERE number = ?`;

/** When the newest run before a time was created. Its parameters are the least id of that time, and the time. */
export const NEWEST_RUN = `
  SELECT max(created_at) AS createdAt FROM (
    SELECT * FROM (SELECT created_at FROM runs WHERE id < ? ORDER BY id DESC LIMIT 1)
    UNION ALL
    SELECT * FROM (SELECT created_at FROM open_runs WHERE created_at < ? ORDER BY created_at DESC LIMIT 1))
  HAVING createdAt IS NOT NULL`;

/** Writes what a group says of runs. To be called in a transaction. */
export function writeRuns(statements: Statements, group: EventGroup): void {
  const { started, whole, reopened, finished, labels } = group;
  statements.insert(
    'open_runs (number, id, task, created_at, client, checksum)',
    6,
    withChecksums(5, started),
  );
  statements.insert('run_labels (label, labelled_at, run, checksum)', 4, withChecksums(3, labels));
  const columns =
    'number, id, task, created_at, client, checksum, status, finished_at, commits, end_checksum';
  statements.insert(`runs (${columns})`, 10, wholeRows(whole));
  statements.runEach(REOPEN, 1, reopened);
  statements.runEach('DELETE FROM runs WHERE number = ?', 1, reopened);
  statements.runEach(FINISH, 5, endedRows(finished));
  const ended = finished.filter((_, at) => at % 4 === 3);
  statements.runEach('DELETE FROM open_runs WHERE number = ?', 1, ended);
}

/** The row of a finished run. @throws {StoreError} `damaged` where it isn’t what was written */
export function finishedRun(statements: Statements, id: string): CheckedRun | undefined {
  const [row] = statements.all<CheckedRun>(FINISHED, id);
  if (row) expectRunWritten(row);
  return row;
}

/** @throws {StoreError} `damaged` unless a row is what was written */
export function expectRunWritten(row: CheckedRun): void {
  const { number, id, task, created_at, client, status, finished_at, commits } = row;
  const what = `the row of the run ${id}`;
  expectWritten(what, row.checksum, [number, id, task, created_at, client]);
  if (finished_at !== null) expectWritten(what, row.end_checksum, [status, finished_at, commits]);
}

function wholeRows(whole: readonly SQLInputValue[]): SQLInputValue[] {
  const rows: SQLInputValue[] = [];
  for (let at = 0; at < whole.length; at += 8) {
    const end = whole.slice(at + 5, at + 8);
    rows.push(...withChecksums(5, whole.slice(at, at + 5)), ...end, rowChecksum(end));
  }
  return rows;
}

function endedRows(finished: readonly SQLInputValue[]): SQLInputValue[] {
  const rows: SQLInputValue[] = [];
  for (let at = 0; at < finished.length; at += 4) {
    const end = finished.slice(at, at + 3);
    rows.push(...end, rowChecksum(end), finished[at + 3] ?? null);
  }
  return rows;
}
