import { hostname } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { DatabaseError } from './database-error.js';

/**
 * Keeps other processes from a database. The lock is that of a small database beside it, because the system frees
 * such a lock however its process ends, and because others can still read who holds it.
 */
export class DatabaseLock {
  private constructor(private readonly file: DatabaseSync) {}

  /** @throws {DatabaseError} naming the process that holds it */
  static take(path: string): DatabaseLock {
    const file = new DatabaseSync(`${path}.lock`, { timeout: 0 });
    try {
      file.exec(
        `PRAGMA journal_mode = MEMORY;
         BEGIN IMMEDIATE;
         DROP TABLE IF EXISTS holder;
         CREATE TABLE holder (pid INTEGER, host TEXT, since TEXT)`,
      );
      const { pid } = process;
      file.prepare('INSERT INTO holder VALUES (?, ?, ?)').run(pid, hostname(), new Date().toISOString());
      // Others can read the holder as soon as it is committed; what keeps them out is the transaction that stays open.
      file.exec('COMMIT; BEGIN IMMEDIATE');
    } catch (error) {
      const holder = isBusy(error) ? holderOf(file) : undefined;
      file.close();
      if (holder === undefined) throw error;
      throw new DatabaseError(
        path,
        `is in use by ${holder}; end that process, or set DATABASE_URL to another file`,
      );
    }
    return new DatabaseLock(file);
  }

  release(): void {
    this.file.close();
  }
}

function isBusy(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === 5;
}

function holderOf(file: DatabaseSync): string {
  try {
    const { pid, host, since } = file.prepare('SELECT pid, host, since FROM holder').get() as Record<
      string,
      unknown
    >;
    return `the process ${String(pid)} on ${String(host)} since ${String(since)}`;
  } catch {
    return 'another process that has just started';
  }
}
