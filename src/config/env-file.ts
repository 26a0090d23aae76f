import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** A file of variables that is there and can’t be read. */
export class EnvFileError extends Error {
  override name = 'EnvFileError';
}

/** What a file of variables says; nothing where there is none. @throws {EnvFileError} */
export function readEnvFile(file = '.env'): Readonly<Record<string, string | undefined>> {
  try {
    // Some editors put a byte order mark first.
    return parseEnv(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return {};
    throw new EnvFileError(`The file ${file} can’t be read (${String(code)})`);
  }
}
