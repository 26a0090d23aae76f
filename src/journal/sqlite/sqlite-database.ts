import { DatabaseSync } from 'node:sqlite';
import { expectFile } from './open-file.js';
import { APPLICATION_ID, migrations, OBSOLETE_MIGRATIONS } from './sqlite-schema.js';
import { StoreError } from './store-error.js';
import type { Writer } from './writer-claim.js';

/** How long a connection waits for a lock that another one holds, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;
/** Size of the write-ahead log, in pages, at which it is moved to the database: 32 MiB. */
const CHECKPOINT_PAGES = 8_000;

/** The table of applied migrations. It has the form of Kysely, which earlier versions used. */
const MIGRATIONS = 'kysely_migration';

export interface StoreOptions {
  readonly path: string;
  /** A reader neither writes nor migrates. */
  readonly role: 'writer' | 'reader';
  /**
   * `power`: a commit is on the disk when it returns (`synchronous=FULL`). `process`: a commit is with the operating system when it
   * returns (`NORMAL`).
   */
  readonly durability: 'power' | 'process';
  /** The journal that opens the database. */
  readonly writer: Writer;
  /** The identity of the file: see `fileAt`. */
  readonly file: string;
}

/** @throws {StoreError} for a file that must not be written to, and errors of SQLite for one that can't be */
export function openDatabase({ path, file, role, durability }: StoreOptions): DatabaseSync {
  expectFile(path, file);
  const database = new DatabaseSync(path, { readOnly: role === 'reader', timeout: BUSY_TIMEOUT_MS });
  try {
    if (role === 'writer') prepareForWriting(database, durability);
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

function prepareForWriting(database: DatabaseSync, durability: StoreOptions['durability']): void {
  const { application_id: owner } = database.prepare('PRAGMA application_id').get() as {
    application_id: number;
  };
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  if (owner !== APPLICATION_ID && tables.length > 0)
    throw new StoreError('belongs to another program; set DATABASE_URL to another file');
  const applied = tables.some(({ name }) => name === MIGRATIONS) ? namesOfApplied(database) : [];
  refuseOtherVersions(applied);
  // Of all statements here, only a write fails on a read-only file.
  database.exec('BEGIN IMMEDIATE; PRAGMA user_version = 0; ROLLBACK');
  const { journal_mode: mode } = database.prepare('PRAGMA journal_mode = WAL').get() as {
    journal_mode: string;
  };
  if (mode !== 'wal')
    throw new StoreError(
      'lies on a file system that SQLite’s write-ahead log doesn’t work on; set DATABASE_URL to a file on a local disk',
    );
  // Deleted data is overwritten: the file must not contain what was erased.
  database.exec(
    `PRAGMA synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'};
       PRAGMA secure_delete = ON;
       PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
  );
  // A write-ahead log that an ended connection left is complete, but may never have reached the disk: its `fsync` failed, or the process
  // was killed before it.
  checkpoint(database);
  migrate(database, applied);
}

/**
 * Moves the write-ahead log to the database, and syncs the database to the disk.
 *
 * @param patienceMs how long to wait for readers, in milliseconds
 * @throws {Error} when a reader prevents it
 */
export function checkpoint(database: Pick<DatabaseSync, 'prepare'>, patienceMs = BUSY_TIMEOUT_MS): void {
  const patience = (ms: number) => database.prepare(`PRAGMA busy_timeout = ${ms}`).get();
  patience(patienceMs);
  const { busy } = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number };
  patience(BUSY_TIMEOUT_MS);
  if (busy !== 0) throw new Error('The write-ahead log could not be moved to the database');
}

function namesOfApplied(database: DatabaseSync): string[] {
  const rows = database.prepare(`SELECT name FROM ${MIGRATIONS} ORDER BY name`).all();
  return rows.map(({ name }) => name as string);
}

function refuseOtherVersions(applied: readonly string[]): void {
  const unknown = applied.filter((name) => !(name in migrations));
  if (unknown.some((name) => OBSOLETE_MIGRATIONS.includes(name)))
    throw new StoreError(
      'was written by a version of before the first release, which kept its events in another way; move it away to begin with an empty one, or set DATABASE_URL to another file',
    );
  if (unknown.length > 0)
    throw new StoreError(
      `was written by a newer version (it has ${unknown.join(', ')}), and is left as it is; start that version, or set DATABASE_URL to another file`,
    );
}

/** Applies all migrations in one transaction: no version could use a database with half of them. */
function migrate(database: DatabaseSync, applied: readonly string[]): void {
  const due = Object.entries(migrations).filter(([name]) => !applied.includes(name));
  if (due.length === 0) return;
  database.exec('BEGIN IMMEDIATE');
  database.exec(`CREATE TABLE IF NOT EXISTS ${MIGRATIONS} (name TEXT PRIMARY KEY, timestamp TEXT NOT NULL)`);
  const note = database.prepare(`INSERT INTO ${MIGRATIONS} VALUES (?, ?)`);
  for (const [name, apply] of due) {
    apply(database);
    note.run(name, new Date().toISOString());
  }
  database.exec('COMMIT');
}
