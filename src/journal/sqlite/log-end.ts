import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { damage, linkOf, ROW, type CommitRow } from './commit-row.js';

/** The end of a log at the last commit that was told to anybody. */
interface ToldEnd {
  /** The number of the log: see `sqlite-schema.ts`. */
  readonly log: number;
  readonly last: number;
  readonly link: number;
  readonly durability: 'power' | 'process';
}

/** Width of the text in the file, in characters: each write replaces it in place, in a single call. */
const WIDTH = 128;

/**
 * Records in a file beside the database how far the log reaches: after each commit, and before anybody is told of that commit. The file
 * is not synced, so it may be behind the log, but never ahead of it. A log that ends before that has lost its end. The log itself could
 * not show this.
 */
export class LogEnd {
  readonly #path: string;
  #file: number | undefined;

  constructor(path: string) {
    this.#path = endFileOf(path);
  }

  write(end: ToldEnd): void {
    try {
      this.#file ??= openSync(this.#path, constants.O_WRONLY | constants.O_CREAT, 0o600);
      writeSync(this.#file, `${JSON.stringify(end)}\n`.padStart(WIDTH), 0);
    } catch {
      // The file stays behind the log.
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}

export function endFileOf(path: string): string {
  return `${path}.end`;
}

/**
 * Compares the end of a log with the recorded end. Opens the database read-only, so that the remains of a log that was cut off can still
 * be examined.
 *
 * @returns the last event that was told, if it is missing and durability `process` allows that (after a power cut)
 * @throws {StoreError} `damaged` if it is missing and may not be
 */
export function missingEnd(path: string): number | undefined {
  const told = toldEnd(path);
  if (!told) return undefined;
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return compare(database, told, endFileOf(path));
  } finally {
    database.close();
  }
}

function compare(database: DatabaseSync, told: ToldEnd, file: string): number | undefined {
  const { user_version: log } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (log !== told.log) return undefined;
  const at = `SELECT ${ROW} FROM commits WHERE first <= ? ORDER BY first DESC LIMIT 1`;
  const row = database.prepare(at).get(told.last) as CommitRow | undefined;
  const last = row?.last ?? 0;
  if (last > told.last || (last === told.last && (!row || linkOf(row) === told.link))) return undefined;
  if (told.durability === 'process') return told.last;
  const lost =
    last < told.last ? `events ${last + 1} to ${told.last} are missing` : `event ${last} is another`;
  throw damage(`${lost}, which had been told (delete ${file} to go on without)`);
}

function toldEnd(path: string): ToldEnd | undefined {
  const file = endFileOf(path);
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ToldEnd;
  } catch {
    // A power cut tore the file.
    return undefined;
  }
}
