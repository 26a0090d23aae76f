import { accessSync, constants, existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** One name for one file, whatever links lead to it: its lock goes by its name. */
export function fileName(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
}

/**
 * Makes the directory of a database where there is none, and refuses what SQLite had better not touch: it says of a
 * directory only that it can't open it, and leaves files behind beside a database that can only be read.
 *
 * @throws {Error} with the code of the file system
 */
export function preparePath(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) throw Object.assign(new Error(`${path} is a directory`), { code: 'EISDIR' });
  if (found) accessSync(path, constants.R_OK | constants.W_OK);
  else mkdirSync(dirname(path), { recursive: true });
}
