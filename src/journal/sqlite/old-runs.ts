import { firstIdOf } from '../event-clock.js';
import { headOf, rowOf, textsOf } from '../event-text.js';
import type { Statements } from './statements.js';

interface OldRun {
  readonly number: number;
  readonly id: string;
  /** JSON */
  readonly commits: string;
}

/**
 * Deletes the oldest runs that finished before a time, `limit` of them at most, and takes their events out of the commits that
 * they were in. A commit of which nothing is left goes too, but for the last one: the numbering goes on from it.
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
  for (const { number } of runs) statements.run('DELETE FROM runs WHERE number = ?', number);
  return runs.length;
}

function takeOut(statements: Statements, first: number, runIds: ReadonlySet<string>): void {
  const [row] = statements.all<{ events: string }>('SELECT events FROM commits WHERE first = ?', first);
  if (!row) return;
  const left = textsOf(row.events).filter((text) => !runIds.has(headOf(text)?.runId ?? ''));
  const deleted =
    left.length === 0 &&
    statements.run('DELETE FROM commits WHERE first = ? AND first < (SELECT max(first) FROM commits)', first);
  if (!deleted) statements.run('UPDATE commits SET events = ? WHERE first = ?', rowOf(left), first);
}
