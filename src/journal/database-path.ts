import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** One name for one file, whatever links lead to it: its lock goes by its name. */
export function fileName(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
}

/** Makes the directory of a database where there is none. @throws {Error} with the code of the file system */
export function makeDirectory(path: string): void {
  // SQLite would only say that it can't open it.
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw Object.assign(new Error(`${path} is a directory`), { code: 'EISDIR' });
  mkdirSync(dirname(path), { recursive: true });
}
