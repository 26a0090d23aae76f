import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { ClockWatch, PROOF_MS } from '../clock-watch.js';
import { databaseError } from '../database-error.js';
import { DatabaseLock, processName } from './database-lock.js';
import { keepPrivate, preparePath } from './database-path.js';
import { missingEnd } from './log-end.js';
import { fileAt } from './open-file.js';
import type { SqliteJournalOptions } from './sqlite-options.js';
import { SqliteThread } from './sqlite-thread.js';
import { sayEnd } from './unclosed-log.js';

/** The open database of a journal. No other process writes to it. */
export interface OpenDatabase {
  /** The one name of its file, whatever links lead to it. */
  readonly path: string;
  readonly lock: DatabaseLock;
  readonly writer: SqliteThread;
  readonly reader: SqliteThread;
  /** The last event that is committed; 0 when there is none. */
  readonly lastId: number;
  /** The ids of the unfinished runs, the oldest first. */
  readonly openRuns: readonly string[];
  /** The ids of the runs that are set aside. */
  readonly setAside: Set<string>;
  readonly clock: ClockWatch;
}

/**
 * Opens a database, creating it if needed, and migrates its tables.
 *
 * @throws {DatabaseError} when the database can't be used
 */
export async function openJournal({
  path: given,
  durability,
}: Pick<SqliteJournalOptions, 'path' | 'durability'>): Promise<OpenDatabase> {
  let path = resolve(given);
  let lock: DatabaseLock | undefined;
  let writer: SqliteThread | undefined;
  try {
    path = preparePath(path);
    lock = DatabaseLock.take(path);
    const clean = !statSync(`${path}-wal`, { throwIfNoEntry: false })?.size;
    const missing = missingEnd(path);
    const file = fileAt(path) ?? '';
    const terms = { path, file, durability, writer: { token: randomUUID(), name: processName() } };
    writer = new SqliteThread({ ...terms, role: 'writer' });
    await writer.call('claim');
    const state = await writer.call('state');
    if (!clean || missing !== undefined) sayEnd(state.lastId, await writer.call('lastTime'), missing);
    keepPrivate(path);
    const setAside = new Set(await writer.call('setAside'));
    const clock = new ClockWatch(await writer.call('newestRun', Date.now() - PROOF_MS));
    const reader = new SqliteThread({ ...terms, role: 'reader' });
    return { path, lock, writer, reader, ...state, setAside, clock };
  } catch (error) {
    await writer?.kill();
    lock?.release();
    throw databaseError(path, error);
  }
}
