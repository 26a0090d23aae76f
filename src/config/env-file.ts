import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** Thrown for a file of variables that exists but can’t be read. */
export class EnvFileError extends Error {
  override name = 'EnvFileError';
}

/** The variables of a file; empty where there is no file. @throws {EnvFileError} */
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
