import type { ClockWatch } from '../clock-watch.js';
import type { DamageWatch } from '../damage-watch.js';
import { deleteOld, NOTES_A_RUN } from '../retention.js';
import type { SqliteJournalOptions } from './sqlite-options.js';
import type { SqliteThread } from './sqlite-thread.js';

/** Deletes runs, keys and notes that are too old, until `closing` is aborted. */
export function keepTidy(
  writer: SqliteThread,
  damage: DamageWatch,
  { retentionMs, keyRetentionMs }: SqliteJournalOptions,
  clock: ClockWatch,
  closing: AbortSignal,
): void {
  const keep = (what: 'deleteFinished' | 'deleteKeys' | 'deleteNotes', forMs: number, times = 1): void => {
    const deleteBefore = (before: number, limit: number) =>
      damage.heed(() => writer.call(what, before, times * limit));
    void deleteOld(deleteBefore, forMs, clock, closing);
  };
  if (retentionMs > 0) keep('deleteFinished', retentionMs);
  keep('deleteKeys', keyRetentionMs);
  keep('deleteNotes', 0, NOTES_A_RUN);
}
