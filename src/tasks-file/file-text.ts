import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { textOf } from '../core/thrown.js';

const MAX_BYTES = 2 ** 20;

/** The names of tasks files in a folder: neither hidden files nor schemas. */
const IN_FOLDER = /^(?!\.)(?!.*\.schema\.json$).*\.(?:ya?ml|json)$/i;

const MENDS: Partial<Record<string, string>> = {
  ENOENT: 'there is no such file; make it, or set another',
  ENOTDIR: 'there is no such file; make it, or set another',
  EACCES: 'the service’s user has no right to read it; give it that, or set another file',
  EPERM: 'the service’s user has no right to read it; give it that, or set another file',
};

/** A file can't be read. The message says why, and what to do about it. */
export class UnreadableFile extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnreadableFile';
  }
}

/** The tasks files in a folder, sorted by name. The path itself when it isn't a folder with such files. */
export function filesAt(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
    const names = entries.map(({ name }) => name).filter((name) => IN_FOLDER.test(name));
    return names.length > 0 ? names.toSorted().map((name) => join(path, name)) : [path];
  } catch {
    return [path];
  }
}

/** The text of a tasks file, without a byte order mark. @throws {UnreadableFile} */
export function readText(file: string): string {
  let bytes: Buffer;
  try {
    const stat = statSync(file);
    if (stat.isDirectory())
      throw new UnreadableFile('in this folder no .yaml, .yml or .json file is found; add one');
    if (!stat.isFile()) throw new UnreadableFile('this is no regular file; set one');
    if (stat.size > MAX_BYTES) throw new UnreadableFile(`it has ${stat.size} bytes; it takes at most 1 MiB`);
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof UnreadableFile) throw error;
    throw new UnreadableFile(MENDS[(error as NodeJS.ErrnoException).code ?? ''] ?? textOf(error));
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UnreadableFile('it is not UTF-8; save it as UTF-8');
  }
}
