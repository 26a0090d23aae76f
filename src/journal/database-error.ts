/** The database can't be used. The message names the variable that chose the database, the problem, and what to do about it. */
export class DatabaseError extends Error {
  constructor(path: string, explanation: string, cause?: unknown) {
    super(`DATABASE_URL: the database ${path} ${explanation}`, { cause });
    this.name = 'DatabaseError';
  }
}

const RIGHTS =
  'give the service’s user the right to write it and its directory, or set DATABASE_URL to another file';
const BROKEN = 'restore it from a backup, or move it away to begin with an empty one';

/** Explanations by SQLite's primary result codes (https://sqlite.org/rescode.html) and by Node's codes of the file system. */
const explanations: Readonly<Record<string | number, string>> = {
  5: 'is locked by another program, which reads or changes it; end that program, and start again',
  8: `can’t be written to; ${RIGHTS}`,
  10: 'can’t be read or written; look after its disk',
  11: `is damaged, unless the system’s log says that its disk can’t be read; ${BROKEN}`,
  13: 'is on a full disk; make room',
  14: `can’t be opened or made; ${RIGHTS}`,
  26: 'is a file of another kind; set DATABASE_URL to another file, or move this one away',
  EACCES: `can’t be written to; ${RIGHTS}`,
  EEXIST: 'would be in a directory that is a file; set DATABASE_URL to another file',
  EISDIR: 'is a directory; set DATABASE_URL to a file in it',
  EIO: 'can’t be read or written; look after its disk',
  ENOENT: `is in a directory that can’t be made; ${RIGHTS}`,
  ENOSPC: 'is on a full disk; make room',
  ENOTDIR: 'would be in a directory that is a file; set DATABASE_URL to another file',
  EPERM: `can’t be written to; ${RIGHTS}`,
  EROFS: 'is on a file system that can only be read; set DATABASE_URL to another file',
};

/** Explains why the database can't be opened. An unknown `error` is returned unchanged. */
export function databaseError(path: string, error: unknown): unknown {
  const { explanation, errcode, code } = error as { explanation?: string; errcode?: number; code?: string };
  const known = explanation ?? explanations[errcode === undefined ? (code ?? '') : errcode & 0xff];
  return known === undefined ? error : new DatabaseError(path, known, error);
}
