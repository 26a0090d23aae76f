import { firstIdOf } from '../event-clock.js';
import { headOf, rowOf, textsOf } from '../event-text.js';
import { checksumOf, linkOf, ROW, sound, type CommitRow } from './commit-row.js';
import type { Statements } from './statements.js';

interface OldRun {
  readonly number: number;
  readonly id: string;
  /** JSON */
  readonly commits: string;
}

/**
 * Deletes the oldest runs that finished before a time, `limit` of them at most, and takes their events out of the commits that
 * they were in. A commit of which nothing is left goes too, but for the first one: the row before it has its ids, too.
 *
 * @param before milliseconds since 1970
 * @returns how many runs it deleted
 */
export function deleteFinished(statements: Statements, before: number, limit: number): number {
  const runs = statements.all<OldRun>(
    'SELECT number, id, commits FROM runs WHERE id < ? AND finished_at < ? ORDER BY id LIMIT ?',
    // The bound of the ids spares looking at younger runs.
    firstIdOf(before),
    before,
    limit,
  );
  const ids = new Set(runs.map(({ id }) => id));
  const commits = new Set(runs.flatMap((run) => JSON.parse(run.commits) as number[]));
  for (const first of commits) takeOut(statements, first, ids);
  for (const { number } of runs) {
    statements.run('DELETE FROM run_labels WHERE run = ?', number);
    statements.run('DELETE FROM runs WHERE number = ?', number);
  }
  return runs.length;
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
