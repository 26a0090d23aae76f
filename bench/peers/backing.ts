import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedPostgres } from '../../test/support/embedded-postgres.ts';
import { freePort } from '../../test/support/free-port.ts';
import { endChild } from '../support/child.ts';
import { onCore } from '../support/cores.ts';
import type { Stage } from '../support/stage.ts';

/** What a peer keeps its work in: nothing, a file, or a server beside it. */
export type BackingKind = 'none' | 'sqlite' | 'postgres' | 'redis' | 'restate';

/** What is started beside a peer. */
export interface Backing {
  /** What the peer is told of it. */
  readonly env: Readonly<Record<string, string>>;
  /** Of its processes, the first of which the others are children of; empty where there is no server. */
  readonly pids: () => readonly number[];
  /** Called when the peer's process listens. */
  readonly attach: () => Promise<void>;
  readonly kill: () => Promise<void>;
  /** Starts it again where it was. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** How long a server may take to be there, in milliseconds. */
const START_LIMIT_MS = 30_000;

const nothing = (): Promise<void> => Promise.resolve();

/** What is missing for it, and how to install that; undefined where it can be started. */
export function missingFor(kind: BackingKind): string | undefined {
  if (kind === 'restate' && !existsSync(restateServer()))
    return `There is no Restate server for ${process.platform}-${process.arch}`;
  if (kind === 'redis' && spawnSync('redis-server', ['--version']).status !== 0)
    return 'redis-server is missing: apt-get install redis-server';
  return undefined;
}

/** Starts what a peer needs beside itself, as safe from a power cut as it can be. @param directory where its data goes */
export function startBacking(
  stage: Stage,
  kind: BackingKind,
  directory: string,
  core: number | undefined,
): Promise<Backing> {
  if (kind === 'postgres') return postgres(directory, core);
  if (kind === 'redis') return redis(stage, directory, core);
  if (kind === 'restate') return restate(stage, directory, core);
  const file = path.join(directory, 'peer.db');
  const env = kind === 'sqlite' ? { DATABASE_URL: `sqlite:${file}`, DATABASE_FILE: file } : {};
  return Promise.resolve({
    env,
    pids: () => [],
    attach: nothing,
    kill: nothing,
    start: nothing,
    stop: nothing,
  });
}

async function postgres(directory: string, core: number | undefined): Promise<Backing> {
  const server = await EmbeddedPostgres.start({
    durable: true,
    directory: path.join(directory, 'postgres'),
    // The kernel would count what is written to the files of the other one as written to the disk.
    sharedMemory: 'posix',
  });
  const pin = (): void => {
    if (core !== undefined) spawnSync('taskset', ['-a', '-c', '-p', String(core), String(server.pid)]);
  };
  pin();
  return {
    env: { DATABASE_URL: server.url },
    pids: () => (server.pid === undefined ? [] : [server.pid]),
    attach: nothing,
    kill: () => server.kill(),
    start: async () => {
      await server.start();
      pin();
    },
    stop: () => server.stop(),
  };
}

async function redis(stage: Stage, directory: string, core: number | undefined): Promise<Backing> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', ''];
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--loglevel', 'warning'];
  const server = new Server(stage, core, ['redis-server', ...args, ...durable], {}, port);
  await server.start();
  return { ...server.asBacking, env: { REDIS_URL: `redis://127.0.0.1:${port}` }, attach: nothing };
}

async function restate(stage: Stage, directory: string, core: number | undefined): Promise<Backing> {
  const [ingress, admin, nodePort, endpoint] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const server = new Server(
    stage,
    core,
    [restateServer()],
    {
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_BIND_ADDRESS: `127.0.0.1:${nodePort}`,
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${nodePort}`,
      RESTATE_NODE_NAME: 'bench',
      // Of the 24 that it comes with, each writes for itself: on one node of few cores that takes twice the CPU.
      RESTATE_DEFAULT_NUM_PARTITIONS: '1',
      RESTATE_BASE_DIR: directory,
      RESTATE_LOG_FILTER: 'error',
      RESTATE_DISABLE_TELEMETRY: 'true',
    },
    ingress,
  );
  await server.start();
  return {
    ...server.asBacking,
    env: { RESTATE_INGRESS: `http://127.0.0.1:${ingress}`, ENDPOINT_PORT: String(endpoint) },
    attach: async () => {
      const body = JSON.stringify({ uri: `http://127.0.0.1:${endpoint}`, force: true });
      const headers = { 'content-type': 'application/json' };
      await untilTrue(stage, 'Restate takes the services', async () => {
        const url = `http://127.0.0.1:${admin}/deployments`;
        const answer = await fetch(url, { method: 'POST', headers, body }).catch(() => undefined);
        await answer?.body?.cancel();
        return answer?.ok ?? false;
      });
    },
  };
}

function restateServer(): string {
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return path.join(path.dirname(manifest), 'bin', 'restate-server');
  } catch {
    return '';
  }
}

/** A server that is a process of its own, and takes connections when it is there. */
class Server {
  #child: ChildProcess | undefined;

  readonly #stage: Stage;
  readonly #core: number | undefined;
  readonly #command: readonly [file: string, ...args: string[]];
  readonly #env: Readonly<Record<string, string>>;
  readonly #port: number;

  constructor(
    stage: Stage,
    core: number | undefined,
    command: readonly [file: string, ...args: string[]],
    env: Readonly<Record<string, string>>,
    port: number,
  ) {
    this.#stage = stage;
    this.#core = core;
    this.#command = command;
    this.#env = env;
    this.#port = port;
  }

  get asBacking(): Pick<Backing, 'pids' | 'kill' | 'start' | 'stop'> {
    return {
      pids: () => (this.#child?.pid === undefined ? [] : [this.#child.pid]),
      kill: async () => {
        const child = this.#child;
        if (!child) return;
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      },
      start: () => this.start(),
      stop: async () => {
        if (this.#child) await endChild(this.#child);
      },
    };
  }

  async start(): Promise<void> {
    const [name, ...parameters] = this.#command;
    const [file = '', ...args] = onCore(this.#core, name, parameters);
    const child = spawn(file, args, {
      env: { ...process.env, ...this.#env },
      stdio: 'ignore',
      detached: true,
    });
    this.#child = child;
    this.#stage.adopt(child);
    await untilTrue(this.#stage, `${path.basename(name)} takes connections`, () =>
      takesConnections(this.#port),
    );
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
}

/** Asks again and again. @throws {Error} when it takes too long */
export async function untilTrue(stage: Stage, what: string, ask: () => Promise<boolean>): Promise<void> {
  const limit = performance.now() + START_LIMIT_MS;
  while (!(await ask())) {
    if (performance.now() > limit) throw new Error(`It took too long until ${what}.`);
    await sleep(20, undefined, { signal: stage.signal });
  }
}
