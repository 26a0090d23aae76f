import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StoreError } from './store-error.js';

/** The first bytes of every SQLite database (https://sqlite.org/fileformat.html). */
const SQLITE_HEADER = 'SQLite format 3\0';
/** SQLite's result code for a file that is no database. */
const NOT_A_DATABASE = 26;

/**
 * Creates the file of a database and its directory where they are missing, readable for their owner only. Refuses paths that SQLite
 * handles badly: of a directory it says only that it can't be opened, and beside a file that is read-only or no database it leaves files
 * behind.
 *
 * @returns one name for one file, whatever links lead to it, because the lock goes by the name
 * @throws {Error} with the code of the file system or of SQLite
 * @throws {StoreError} for a database that has several names, or of which only the write-ahead log exists
 */
export function preparePath(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.size && statSync(`${path}-wal`, { throwIfNoEntry: false })?.size)
    throw new StoreError(
      'is missing, but its write-ahead log is there (the file ending in -wal), which SQLite would delete; move the database back, or the log away',
    );
  if (!found) {
    makeDirectory(dirname(resolve(path)));
    closeSync(openSync(path, 'a', 0o600));
    return realpathSync(path);
  }
  if (isDirectory(path)) throw Object.assign(new Error(`${path} is a directory`), { code: 'EISDIR' });
  if (found.nlink > 1)
    throw new StoreError(
      `has ${found.nlink} names (hard links), and SQLite would keep a write-ahead log for each; remove all but one`,
    );
  accessSync(path, constants.R_OK | constants.W_OK);
  // A rollback journal means that a power cut may have come while SQLite created the database. SQLite then undoes that by itself.
  const isTakenBack = statSync(`${path}-journal`, { throwIfNoEntry: false })?.size;
  if (found.size > 0 && !isTakenBack && !beginsAsDatabase(path))
    throw Object.assign(new Error(`${path} is not a database`), { errcode: NOT_A_DATABASE });
  return realpathSync(path);
}

/**
 * Takes the rights of all other users from a database's files. Rights of the group stay, because somebody has granted them on purpose.
 * SQLite creates its own files with the rights of the database.
 */
export function keepPrivate(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '.lock', '.holder']) {
    const { mode = 0 } = statSync(path + suffix, { throwIfNoEntry: false }) ?? {};
    if ((mode & 0o007) === 0) continue;
    try {
      chmodSync(path + suffix, mode & 0o700);
    } catch (error) {
      // The file belongs to another user, who shares it with the user of the service.
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    }
  }
}

/** Creates one level after the other. Node's own recursion never ends where the system says that a parent doesn't exist, as in /proc. */
function makeDirectory(path: string): void {
  if (isDirectory(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have created it meanwhile.
    if (!isDirectory(path)) throw error;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function beginsAsDatabase(path: string): boolean {
  const file = openSync(path, 'r');
  const header = Buffer.alloc(SQLITE_HEADER.length);
  readSync(file, header);
  closeSync(file);
  return header.toString('latin1') === SQLITE_HEADER;
}

/** Size of a database with its write-ahead log, in bytes. */
export async function sizeOf(path: string): Promise<number> {
  const sizes = [path, `${path}-wal`].map((file) =>
    stat(file).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
