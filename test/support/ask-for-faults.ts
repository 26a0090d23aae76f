import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setEnvironmentData } from 'node:worker_threads';
import type { DatabaseFile } from './database-file.js';

/** Lets `askFor` make trouble for the threads that this process starts from now on; undefined for none of them. */
export function faultsInThreads(database: DatabaseFile | undefined): void {
  setEnvironmentData('faults', database?.directory);
}

/** Asks for a fault: see faults.ts. */
export function askFor(database: DatabaseFile, fault: 'full' | 'stuck'): void;
export function askFor(
  database: DatabaseFile,
  moment: 'before' | 'after',
  end: `${'thread' | 'process'}: ${string}`,
): void;
export function askFor(database: DatabaseFile, name: string, content = ''): void {
  const file = join(database.directory, name);
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}

export function mend(database: DatabaseFile, fault: 'full' | 'stuck'): void {
  rmSync(join(database.directory, fault), { force: true });
}
