import { statSync } from 'node:fs';
import { StoreError } from './store-error.js';

/** The identity of the file at a path; undefined where there is none. */
export function fileAt(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

/** @throws {StoreError} `file-gone` unless the path leads to the file */
export function expectFile(path: string, file: string): void {
  const found = fileAt(path);
  if (found === file) return;
  throw new StoreError(
    found === undefined
      ? 'was moved or deleted while it is in use; move it back, or restart the service with another file'
      : 'was replaced while it is in use; move it back, or restart the service to use what is there now',
    'file-gone',
  );
}

/** The files of a connection that writes. SQLite goes on writing to deleted files, and nobody could open those again. */
export class OpenFiles {
  readonly #path: string;
  readonly #file: string;
  #log: string | undefined;

  /** @param file the identity of the file when the path was first opened */
  constructor(path: string, file: string) {
    this.#path = path;
    this.#file = file;
  }

  /** To be called after a write. By then SQLite has created its write-ahead log, which it keeps. */
  check(): void {
    expectFile(this.#path, this.#file);
    const log = fileAt(`${this.#path}-wal`);
    this.#log ??= log;
    if (log !== undefined && log === this.#log) return;
    throw new StoreError(
      'lost its write-ahead log (the file ending in -wal), which was moved or deleted while it is in use; its content is moved to the database',
      'log-gone',
    );
  }
}
