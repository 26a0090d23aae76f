import { readFileSync, statSync } from 'node:fs';
import { textOf } from '../core/thrown.js';
import { TasksFileError } from './mistake.js';

const MAX_BYTES = 2 ** 20;

const MENDS: Partial<Record<string, string>> = {
  ENOENT: 'there is no such file; make it, or set another',
  ENOTDIR: 'there is no such file; make it, or set another',
  EACCES: 'the service’s user has no right to read it; give it that, or set another file',
  EPERM: 'the service’s user has no right to read it; give it that, or set another file',
};

/** The text of a tasks file, without a byte order mark. @throws {TasksFileError} */
export function readText(file: string): string {
  const refuse = (flaw: string) => new TasksFileError([`${file}: ${flaw}`]);
  let bytes: Buffer;
  try {
    const stat = statSync(file);
    if (stat.isDirectory()) throw refuse('this is a directory; set a file');
    if (!stat.isFile()) throw refuse('this is no regular file; set one');
    if (stat.size > MAX_BYTES) throw refuse(`it has ${stat.size} bytes; it takes at most 1 MiB`);
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof TasksFileError) throw error;
    throw refuse(MENDS[(error as NodeJS.ErrnoException).code ?? ''] ?? textOf(error));
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refuse('it is not UTF-8; save it as UTF-8');
  }
}
