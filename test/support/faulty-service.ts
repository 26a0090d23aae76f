import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DatabaseFile } from './database-file.js';
import { ServiceProcess } from './service-process.js';

const PRELOAD = fileURLToPath(new URL('./faults.ts', import.meta.url));

/** Starts the service on a database, as a process that `askFor` can make trouble for. */
export function startFaulty(
  database: DatabaseFile,
  env: Readonly<Record<string, string>> = {},
): Promise<ServiceProcess> {
  return ServiceProcess.start({
    nodeArgs: ['--import', PRELOAD],
    env: { DATABASE_URL: database.url, FAULTS: database.directory, ...env },
  });
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
  rmSync(join(database.directory, fault));
}
