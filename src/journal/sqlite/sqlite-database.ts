import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { Kysely, SqliteDialect, type SqliteDatabase } from 'kysely';
import { Migrator } from 'kysely/migration';
import { expectFile } from './open-file.js';
import { APPLICATION_ID, migrations, OBSOLETE_MIGRATIONS } from './sqlite-schema.js';
import { StoreError } from './store-error.js';
import type { Writer } from './writer-claim.js';

/** How long a connection waits while another holds a lock it needs, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;
/** Pages that the write-ahead log may grow to before they are moved to the database: 32 MiB. */
const CHECKPOINT_PAGES = 8_000;

export interface StoreOptions {
  readonly path: string;
  /** A reader neither writes nor migrates. */
  readonly role: 'writer' | 'reader';
  /** `power`: a commit is on the disk when it returns (`synchronous=FULL`). `process`: with the system (`NORMAL`). */
  readonly durability: 'power' | 'process';
  /** The journal that it is opened for. */
  readonly writer: Writer;
  /** Which file it is: see `fileAt`. */
  readonly file: string;
}

/** One connection, as itself and through Kysely. */
export interface OpenDatabase {
  readonly database: DatabaseSync;
  readonly db: Kysely<unknown>;
}

/** @throws {StoreError} for a file that must not be written to; SQLite's errors for one that can't be */
export async function openDatabase({ path, file, role, durability }: StoreOptions): Promise<OpenDatabase> {
  expectFile(path, file);
  const database = new DatabaseSync(path, { readOnly: role === 'reader', timeout: BUSY_TIMEOUT_MS });
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: forKysely(database) }) });
  try {
    if (role === 'writer') await prepareForWriting({ database, db }, durability);
  } catch (error) {
    database.close();
    throw error;
  }
  return { database, db };
}

async function prepareForWriting(
  { database, db }: OpenDatabase,
  durability: StoreOptions['durability'],
): Promise<void> {
  const { application_id: owner } = database.prepare('PRAGMA application_id').get() as {
    application_id: number;
  };
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  if (owner !== APPLICATION_ID && tables.length > 0)
    throw new StoreError('belongs to another program; set DATABASE_URL to another file');
  await refuseOtherVersions({ database, db });
  // A file that can only be read refuses nothing but this.
  database.exec('BEGIN IMMEDIATE; PRAGMA user_version = 0; ROLLBACK');
  const { journal_mode: mode } = database.prepare('PRAGMA journal_mode = WAL').get() as {
    journal_mode: string;
  };
  if (mode !== 'wal')
    throw new StoreError(
      'lies on a file system that SQLite’s write-ahead log doesn’t work on; set DATABASE_URL to a file on a local disk',
    );
  // What is deleted is overwritten: what was erased must not be found in the file.
  database.exec(
    `PRAGMA synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'};
       PRAGMA secure_delete = ON;
       PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
  );
  // What is found in the log of a connection that ended is whole, but may never have been on the disk: its `fsync` failed, or a
  // kill came before it.
  checkpoint(database);
  await migrate({ database, db });
}

/** Moves the write-ahead log to the database, and that to the disk. @throws {Error} when a reader keeps it from that */
export function checkpoint(database: Pick<DatabaseSync, 'prepare'>, patienceMs = BUSY_TIMEOUT_MS): void {
  const patience = (ms: number) => database.prepare(`PRAGMA busy_timeout = ${ms}`).get();
  patience(patienceMs);
  const { busy } = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number };
  patience(BUSY_TIMEOUT_MS);
  if (busy !== 0) throw new Error('The write-ahead log could not be moved to the database');
}

async function refuseOtherVersions({ database, db }: OpenDatabase): Promise<void> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === 'kysely_migration')) return;
  const applied = database.prepare('SELECT name FROM kysely_migration ORDER BY name').all();
  const unknown = applied.filter(({ name }) => !((name as string) in migrations)).map(({ name }) => name);
  if (unknown.some((name) => OBSOLETE_MIGRATIONS.includes(name as string)))
    throw new StoreError(
      'was written by a version of before the first release, which kept its events in another way; move it away to begin with an empty one, or set DATABASE_URL to another file',
    );
  if (unknown.length > 0)
    throw new StoreError(
      `was written by a newer version (it has ${unknown.join(', ')}), and is left as it is; start that version, or set DATABASE_URL to another file`,
    );
}

/** All in one transaction, which Kysely doesn't use for SQLite: half of a migration would be nobody's database. */
async function migrate({ database, db }: OpenDatabase): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
  });
  database.exec('BEGIN IMMEDIATE');
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error as Error;
  database.exec('COMMIT');
}

/** Kysely's SQLite dialect speaks to better-sqlite3; `node:sqlite` differs in how it takes parameters. */
function forKysely(database: DatabaseSync): SqliteDatabase {
  return {
    close: () => {
      database.close();
    },
    prepare: (sql) => {
      const statement = database.prepare(sql);
      const spread = (parameters: readonly unknown[]) => parameters as SQLInputValue[];
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...spread(parameters)),
        run: (parameters) => statement.run(...spread(parameters)),
        iterate: (parameters) => statement.iterate(...spread(parameters)),
      };
    },
  };
}
