import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findPython, HOW_TO_INSTALL } from '../support/python.ts';
import type { Stage } from '../support/stage.ts';
import { ROUTE, type ServerSpec } from './server-spec.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/**
 * This service as `npm run start:prod` runs it: its journal in an SQLite file, each reply safe from a power cut.
 * @throws Error where it isn't built yet.
 */
export function service(entry: string, database: string): ServerSpec {
  return {
    ...builtService(entry),
    key: 'a',
    name: 'Frontrunner',
    env: { DATABASE_URL: `sqlite:${database}`, JOURNAL_DURABILITY: 'power' },
    about: `Node ${process.version}, DATABASE_URL=sqlite:, JOURNAL_DURABILITY=power, log to /dev/null`,
  };
}

/**
 * The same with its journal in memory, which keeps as much as (b) and (c) do: nothing.
 * @throws Error where it isn't built yet.
 */
export function serviceInMemory(entry: string): ServerSpec {
  return {
    ...builtService(entry),
    key: 'm',
    name: 'Frontrunner in memory',
    env: { DATABASE_URL: 'memory:' },
    about: `Node ${process.version}, DATABASE_URL=memory:, log to /dev/null`,
  };
}

/**
 * A node of the service: one of those that share a Postgres.
 * @throws Error where it isn't built yet.
 */
export function node(
  entry: string,
  database: string,
  env: Readonly<Record<string, string>> = {},
): ServerSpec {
  return {
    ...builtService(entry),
    key: 'n',
    name: 'A node of Frontrunner',
    env: { DATABASE_URL: database, ...env },
    about: `Node ${process.version}, DATABASE_URL=postgres:, log to /dev/null`,
  };
}

function builtService(entry: string): Pick<ServerSpec, 'file' | 'args' | 'isNode' | 'readyRoute'> {
  if (!existsSync(entry)) throw new Error(`There is no ${entry}: run "npm run build" first.`);
  return { file: process.execPath, args: () => [entry], isNode: true, readyRoute: '/health/ready' };
}

/** The original example on FastAPI; undefined, and said so, where its Python packages are missing. */
export async function fastapi(stage: Stage): Promise<ServerSpec | undefined> {
  const python = await findPython();
  if (!python) {
    stage.say(`No Python here has FastAPI, so (b) is left out. To compare with it: ${HOW_TO_INSTALL}`);
    return undefined;
  }
  const uvicorn =
    '--loop uvloop --http httptools --no-access-log --log-level warning --workers 1 --host 127.0.0.1';
  return {
    key: 'b',
    name: 'FastAPI',
    file: python.path,
    args: (port) => [
      ...['-m', 'uvicorn', 'fastapi_app:app', '--app-dir', here('.')],
      ...[...uvicorn.split(' '), '--port', String(port)],
    ],
    env: { PYTHONDONTWRITEBYTECODE: '1' },
    isNode: false,
    readyRoute: ROUTE,
    about: `${python.versions}; uvicorn ${uvicorn}`,
  };
}

/** Promise.race over three timers on node:http. */
export function bare(): ServerSpec {
  return {
    key: 'c',
    name: 'bare node:http',
    file: process.execPath,
    args: () => [here('bare.ts')],
    env: {},
    isNode: true,
    readyRoute: ROUTE,
    about: `Node ${process.version}, bench/servers/bare.ts`,
  };
}
