import type { SQLInputValue } from 'node:sqlite';
import type { RunRow } from '../history-rows.js';
import { expectWritten, growingChecksum, withChecksums } from './row-checksum.js';
import {
  END,
  END_COLUMNS,
  END_LEAST,
  REOPENED_VALUES,
  START,
  START_COLUMNS,
  START_LEAST,
} from './run-columns.js';
import { eraseReopening, type ReopenedRun } from './old-runs.js';
import type { EventGroup } from './sqlite-group.js';
import type { Statements } from './statements.js';

/** The columns of a run's row and their checksums: see `addRunChecksums`. */
export interface CheckedRun extends RunRow {
  readonly client: string | null;
  readonly request_id: string | null;
  readonly trace_id: string | null;
  /** JSON; null for an open run. */
  readonly commits: string | null;
  readonly checksum: number | null;
  readonly end_checksum: number | null;
}

const FINISHED = `
  SELECT ${START}, checksum, ${END}, end_checksum FROM runs WHERE id = ?`;

/** Ends an open run. Its parameters are those of {@link END}, `end_checksum, number`. */
const FINISH = `
  INSERT INTO runs (${START}, checksum, ${END}, end_checksum)
  SELECT ${START}, checksum - set_aside, ?, ?, ?, ?, ?, ? FROM open_runs WHERE number = ?`;

/** Opens a run that has ended. Its parameter is `number`. */
const REOPEN = `
  INSERT INTO open_runs (${START}, checksum)
  SELECT ${START}, checksum FROM runs WHERE number = ?`;
const IS_OPEN = 'SELECT 1 FROM open_runs WHERE number = ?';

/** Finds when the newest run before a time was created. Parameters: the least id of that time, and the time. */
export const NEWEST_RUN = `
  SELECT max(created_at) AS createdAt FROM (
    SELECT * FROM (SELECT created_at FROM runs WHERE id < ? ORDER BY id DESC LIMIT 1)
    UNION ALL
    SELECT * FROM (SELECT created_at FROM open_runs WHERE created_at < ? ORDER BY created_at DESC LIMIT 1))
  HAVING createdAt IS NOT NULL`;

/** Writes the starts, ends and labels of a group's runs. To be called in a transaction. */
export function writeRuns(statements: Statements, group: EventGroup): void {
  const { started, whole, finished, labels } = group;
  statements.insert(
    `open_runs (${START}, checksum)`,
    START_COLUMNS + 1,
    withChecksums(START_COLUMNS, started, START_LEAST),
  );
  statements.insert('run_labels (label, labelled_at, run, checksum)', 4, withChecksums(3, labels));
  const columns = `${START}, checksum, ${END}, end_checksum`;
  statements.insert(`runs (${columns})`, START_COLUMNS + END_COLUMNS + 2, wholeRows(whole));
  for (const run of reopenedRuns(group)) reopen(statements, run);
  statements.runEach(FINISH, END_COLUMNS + 2, endedRows(finished));
  const ended = finished.filter((_, at) => at % (END_COLUMNS + 1) === END_COLUMNS);
  statements.runEach('DELETE FROM open_runs WHERE number = ?', 1, ended);
}

/** Ids of the events in a committed group that would have reopened runs which were deleted before. */
export function refusedOf(statements: Statements, group: EventGroup): number[] {
  return reopenedRuns(group)
    .filter(({ number }) => statements.all(IS_OPEN, number).length === 0)
    .map(({ event }) => event);
}

/** The row of a finished run. @throws {StoreError} `damaged` where the row isn’t as it was written */
export function finishedRun(statements: Statements, id: string): CheckedRun | undefined {
  const [row] = statements.all<CheckedRun>(FINISHED, id);
  if (row) expectRunWritten(row);
  return row;
}

/** @throws {StoreError} `damaged` unless a row is as it was written */
export function expectRunWritten(row: CheckedRun): void {
  const { number, id, task, created_at, client, request_id, trace_id } = row;
  const what = `the row of the run ${id}`;
  const start = [number, id, task, created_at, client, request_id, trace_id];
  expectWritten(what, row.checksum, start, START_LEAST);
  const { status, finished_at, commits, replied_at, answered_by } = row;
  if (finished_at === null) return;
  expectWritten(what, row.end_checksum, [status, finished_at, commits, replied_at, answered_by], END_LEAST);
}

function reopen(statements: Statements, run: ReopenedRun): void {
  if (statements.run(REOPEN, run.number) > 0) statements.run('DELETE FROM runs WHERE number = ?', run.number);
  else eraseReopening(statements, run);
}

function reopenedRuns({ reopened }: EventGroup): ReopenedRun[] {
  const runs: ReopenedRun[] = [];
  for (let at = 0; at < reopened.length; at += REOPENED_VALUES) {
    const [number, id, event, ms] = reopened.slice(at, at + REOPENED_VALUES) as [
      number,
      string,
      number,
      number,
    ];
    runs.push({ number, id, event, ms });
  }
  return runs;
}

function wholeRows(whole: readonly SQLInputValue[]): SQLInputValue[] {
  const rows: SQLInputValue[] = [];
  for (let at = 0; at < whole.length; at += START_COLUMNS + END_COLUMNS) {
    const start = whole.slice(at, at + START_COLUMNS);
    const end = whole.slice(at + START_COLUMNS, at + START_COLUMNS + END_COLUMNS);
    rows.push(...start, growingChecksum(start, START_LEAST), ...end, growingChecksum(end, END_LEAST));
  }
  return rows;
}

function endedRows(finished: readonly SQLInputValue[]): SQLInputValue[] {
  const rows: SQLInputValue[] = [];
  for (let at = 0; at < finished.length; at += END_COLUMNS + 1) {
    const end = finished.slice(at, at + END_COLUMNS);
    rows.push(...end, growingChecksum(end, END_LEAST), finished[at + END_COLUMNS] ?? null);
  }
  return rows;
}
