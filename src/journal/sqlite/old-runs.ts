import { firstIdOf } from '../event-clock.js';
import { headOf, rowOf, textsOf } from '../event-text.js';
import { erasedRow } from '../erased-text.js';
import { checksumOf, damage, linkOf, ROW, sound, type CommitRow } from './commit-row.js';
import { deleteDead, eraseDeliveries } from './delivery-rows.js';
import type { Statements } from './statements.js';
import { oldestCursor } from './webhook-rows.js';

interface OldRun {
  readonly number: number;
  readonly id: string;
  /** JSON */
  readonly commits: string;
}

/** A finished run that is to go on again: the event that reopens it, and the time of that event, in milliseconds since 1970. */
export interface ReopenedRun {
  readonly number: number;
  readonly id: string;
  readonly event: number;
  readonly ms: number;
}

const FINISHED = 'SELECT number, id, commits, created_at AS createdAt FROM runs WHERE id = ?';
const MOVE = `
  INSERT INTO erased_runs (number, id, finished_at, commits)
  SELECT number, id, finished_at, commits FROM runs WHERE number = ?`;

const LEAVE = `
  INSERT INTO erased_runs (number, id, finished_at, commits) VALUES (?, ?, ?, ?)
  ON CONFLICT (number) DO UPDATE SET commits = json_insert(commits, '$[#]', excluded.commits ->> '$[0]')`;

/**
 * Deletes the oldest runs that finished before a time, and erased runs likewise, and takes their events out of the commits. A commit that
 * becomes empty is deleted, and the commit before it covers its ids. Only the first commit of the log stays empty. Runs that a webhook
 * may not have read completely stay. Dead deliveries that were given up before that time are deleted too.
 *
 * @param before milliseconds since 1970
 * @param limit how many of each kind to delete at most
 * @returns how many were deleted
 */
export function deleteFinished(statements: Statements, before: number, limit: number): number {
  const dead = deleteDead(statements, before, limit);
  const readBefore = Math.min(before, oldestCursor(statements) ?? before);
  // The condition on ids avoids reading younger runs.
  const bounds = [firstIdOf(readBefore), readBefore, limit];
  const oldest = (table: string) => `
    SELECT number, id, commits FROM ${table} WHERE id < ? AND finished_at < ? ORDER BY id LIMIT ?`;
  const runs = ['runs', 'erased_runs'].flatMap((table) => statements.all<OldRun>(oldest(table), ...bounds));
  const ids = new Set(runs.map(({ id }) => id));
  const commits = new Set(runs.flatMap((run) => JSON.parse(run.commits) as number[]));
  for (const first of commits) takeOut(statements, first, ids);
  for (const { number } of runs) {
    statements.run('DELETE FROM run_labels WHERE run = ?', number);
    for (const table of ['runs', 'erased_runs'])
      statements.run(`DELETE FROM ${table} WHERE number = ?`, number);
  }
  return runs.length + dead;
}

/** Erases a finished run: see the journal. @returns false when there is none */
export function eraseRun(statements: Statements, id: string): boolean {
  const [run] = statements.all<OldRun & { readonly createdAt: number }>(FINISHED, id);
  if (!run) return false;
  const { number, commits, createdAt } = run;
  for (const first of JSON.parse(commits) as number[]) {
    const row = rowUpTo(statements, first);
    if (row?.first !== first) throw damage('events of a run are missing');
    change(statements, { ...row, events: erasedRow(row.events, id), link: linkOf(row) });
  }
  statements.run('DELETE FROM run_labels WHERE run = ?', number);
  eraseDeliveries(statements, id);
  // A key is as old as its run: the condition on the time avoids reading other keys.
  statements.run('DELETE FROM idempotency_keys WHERE created_at = ? AND run = ?', createdAt, number);
  statements.run(MOVE, number);
  statements.run('DELETE FROM runs WHERE number = ?', number);
  return true;
}

/**
 * Erases the event that should have reopened a run which was deleted before. The event's number stays until retention deletes it, like
 * those of an erased run.
 */
export function eraseReopening(statements: Statements, { number, id, event, ms }: ReopenedRun): void {
  const row = rowUpTo(statements, event);
  if (!row) throw damage('events of a run are missing');
  change(statements, { ...row, events: erasedRow(row.events, id), link: linkOf(row) });
  statements.run(LEAVE, number, id, ms, JSON.stringify([row.first]));
}

function takeOut(statements: Statements, first: number, runIds: ReadonlySet<string>): void {
  const row = rowUpTo(statements, first);
  if (row?.first !== first) return;
  const left = textsOf(row.events).filter((text) => !runIds.has(headOf(text)?.runId ?? ''));
  const before = left.length === 0 ? rowUpTo(statements, first - 1) : undefined;
  if (before) {
    statements.run('DELETE FROM commits WHERE first = ?', first);
    change(statements, { ...before, last: row.last, link: linkOf(row) });
  } else change(statements, { ...row, events: rowOf(left), link: linkOf(row) });
}

function rowUpTo(statements: Statements, id: number): CommitRow | undefined {
  const newest = `SELECT ${ROW} FROM commits WHERE first <= ? ORDER BY first DESC LIMIT 1`;
  const [row] = statements.all<CommitRow>(newest, id);
  return row && sound(row);
}

function change(statements: Statements, row: Omit<CommitRow, 'checksum'>): void {
  const { first, last, events, link } = row;
  const update = 'UPDATE commits SET last = ?, events = ?, link = ?, checksum = ? WHERE first = ?';
  statements.run(update, last, events, link, checksumOf(row), first);
}
