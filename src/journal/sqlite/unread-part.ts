import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { endFileOf } from './log-end.js';

const CHUNK = 2 ** 20;

/** Which file of a database the disk can’t read completely, and from which byte on; undefined when all can be read. */
export function unreadPart(path: string): string | undefined {
  for (const file of [path, `${path}-wal`, endFileOf(path)]) {
    if (!existsSync(file)) continue;
    const error = readThrough(file);
    if (error !== undefined) return error;
  }
  return undefined;
}

function readThrough(file: string): string | undefined {
  const chunk = Buffer.alloc(CHUNK);
  const descriptor = openSync(file, 'r');
  let at = 0;
  try {
    for (let read = 1; read > 0; at += read) read = readSync(descriptor, chunk, 0, CHUNK, at);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return `${file} can’t be read from byte ${at} on (${code}): look after its disk, and verify again before you restore a backup`;
  } finally {
    closeSync(descriptor);
  }
}
