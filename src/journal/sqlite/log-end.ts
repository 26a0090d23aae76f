import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { damage, linkOf, ROW, type CommitRow } from './commit-row.js';

/** How far a log reached when something of it was last told. */
interface ToldEnd {
  /** Which log: see `sqlite-schema.ts`. */
  readonly log: number;
  readonly last: number;
  readonly link: number;
  readonly durability: 'power' | 'process';
}

/** Of a file beside the database: it is written over in place, in a single write. */
const WIDTH = 128;

/**
 * Says in a file beside the database how far its log reached, after each commit and before that is told. The file is not synced, so
 * it may be behind the log, but never ahead of it. A log that ends before it has lost its end, which nothing in the log could show.
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
      // It stays behind the log.
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
 * Compares a log with what was told of it. Opens the database for reading alone: what else there is of a log that was cut off is
 * left for whoever looks into it.
 *
 * @returns the last event that was told where it is missing, as durability `process` allows after a power cut
 * @throws {StoreError} `damaged` where it is missing without that
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
    // A power cut tore it.
    return undefined;
  }
}
