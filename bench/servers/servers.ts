import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findPython, HOW_TO_INSTALL } from '../support/python.ts';
import type { Stage } from '../support/stage.ts';
import type { ServerSpec } from './server-spec.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/**
 * This service as `npm run start:prod` runs it, with the in-memory journal, so that all three do the same.
 * @throws Error where it isn't built yet.
 */
export function service(entry: string): ServerSpec {
  if (!existsSync(entry)) throw new Error(`There is no ${entry}: run "npm run build" first.`);
  return {
    key: 'a',
    name: 'Frontrunner',
    file: process.execPath,
    args: () => [entry],
    env: { DATABASE_URL: 'memory:' },
    isNode: true,
    about: `Node ${process.version}, DATABASE_URL=memory:, default LOG_LEVEL, log to /dev/null`,
  };
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
    about: `Node ${process.version}, bench/servers/bare.ts`,
  };
}
