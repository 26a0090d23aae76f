import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/free-port.ts';
import { FIRST_RESULT, ROUTE } from '../servers/server-spec.ts';
import { endChild } from '../support/child.ts';
import { onCore } from '../support/cores.ts';
import { cpuMicroseconds } from '../support/process-usage.ts';
import { findPython } from '../support/python.ts';
import type { Stage } from '../support/stage.ts';
import { startBacking, untilTrue, type Backing } from './backing.ts';
import type { Peer } from './peers.ts';

const adapters = fileURLToPath(new URL('adapters/', import.meta.url));

export interface PeerOptions {
  /** Where its data goes. */
  readonly directory: string;
  readonly core: number | undefined;
  /** Where this project is built. */
  readonly dist: string;
  /** How long the pieces of work take, in milliseconds. */
  readonly piecesMs: readonly number[];
  /** The file in which each piece that is done is noted. */
  readonly ledger?: string;
}

/** What all processes of a peer have used so far. */
export interface PeerUsage {
  readonly cpuMicroseconds: number;
  readonly residentBytes: number;
}

/** A peer that has been started: the process that answers, its worker where that is another one, and what it keeps its work in. */
export class PeerProcess {
  readonly url: string;
  readonly peer: Peer;
  readonly #stage: Stage;
  readonly #backing: Backing;
  readonly #options: PeerOptions;
  readonly #port: number;
  #children: ChildProcess[] = [];
  #backingIsGone = false;

  private constructor(stage: Stage, peer: Peer, backing: Backing, options: PeerOptions, port: number) {
    this.peer = peer;
    this.#stage = stage;
    this.#backing = backing;
    this.#options = options;
    this.#port = port;
    this.url = `http://127.0.0.1:${port}${ROUTE}`;
  }

  /** Starts all of it, and returns when it has answered rightly. */
  static async start(stage: Stage, peer: Peer, options: PeerOptions): Promise<PeerProcess> {
    const backing = await startBacking(stage, peer.backing, options.directory, options.core);
    const running = new PeerProcess(stage, peer, backing, options, await freePort());
    try {
      await running.#launch();
      await running.untilItAnswers();
      return running;
    } catch (error) {
      await running.stop();
      throw error;
    }
  }

  /** How many processes the user of it has to run. */
  get processes(): number {
    return this.#children.length + this.#backing.pids().length;
  }

  get usage(): PeerUsage {
    const roots = [...this.#pids, ...this.#backing.pids()];
    const usage = { cpuMicroseconds: 0, residentBytes: 0 };
    for (const pid of familyOf(roots)) {
      const used = usageOf(pid, roots.includes(pid));
      usage.cpuMicroseconds += used.cpuMicroseconds;
      usage.residentBytes += used.residentBytes;
    }
    return usage;
  }

  /** Ends the processes of the peer as a crash does. */
  async killItself(): Promise<void> {
    await Promise.all(this.#children.map(killed));
    this.#children = [];
  }

  /** Ends what it keeps its work in as a crash does. @returns false where that is no process */
  async killBacking(): Promise<boolean> {
    if (this.#backing.pids().length === 0) return false;
    await this.#backing.kill();
    this.#backingIsGone = true;
    return true;
  }

  /** Starts again what was killed. */
  async startAgain(): Promise<void> {
    if (this.#backingIsGone) await this.#backing.start();
    this.#backingIsGone = false;
    // One that lives through the end of its backing is left alone.
    const alive = this.#children.filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    if (alive.length === this.#children.length && alive.length > 0) return;
    await this.killItself();
    await this.#launch();
  }

  /** Resolves when it answers rightly. @throws {Error} when that takes too long */
  async untilItAnswers(): Promise<void> {
    await untilTrue(this.#stage, `${this.peer.name} answers`, async () => {
      const answer = await fetch(this.url, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
      return answer !== undefined && (await answer.text()).includes(FIRST_RESULT);
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map(endChild));
    await this.#backing.stop();
  }

  get #pids(): number[] {
    return this.#children.flatMap(({ pid }) => pid ?? []);
  }

  async #launch(): Promise<void> {
    const { program } = this.peer;
    const env = { ...process.env, ...this.#backing.env, ...this.#settings };
    const commands =
      program.kind === 'python'
        ? await pythonCommands(program.module, program.worker ?? false, this.#port)
        : [[process.execPath, this.#moduleOf(program)]];
    this.#children = commands.map((command) => {
      const [name = '', ...parameters] = command;
      const [file = '', ...args] = onCore(this.#options.core, name, parameters);
      const child = spawn(file, args, { cwd: adapters, env, stdio: 'ignore', detached: true });
      this.#stage.adopt(child);
      return child;
    });
    await this.#backing.attach();
  }

  #moduleOf(program: Extract<Peer['program'], { kind: 'node' | 'service' }>): string {
    return program.kind === 'node'
      ? path.join(adapters, program.module)
      : path.join(this.#options.dist, 'main.js');
  }

  get #settings(): Record<string, string> {
    const { piecesMs, ledger, dist } = this.#options;
    // The demo of the service takes 1, 5 and 3 of them.
    const [unitMs = 1] = piecesMs;
    return {
      PORT: String(this.#port),
      HOST: '127.0.0.1',
      DEMO_TIME_SCALE: String(unitMs / 1000),
      JOB_UNITS: piecesMs.map((ms) => ms / unitMs).join(','),
      JOURNAL_DURABILITY: 'power',
      FRONTRUNNER: path.join(dist, 'index.js'),
      PYTHONDONTWRITEBYTECODE: '1',
      NODE_NO_WARNINGS: '1',
      ...(ledger !== undefined && { LEDGER: ledger }),
    };
  }
}

async function pythonCommands(module: string, hasWorker: boolean, port: number): Promise<string[][]> {
  const python = (await findPython())?.path ?? 'python3';
  const uvicorn =
    '--loop uvloop --http httptools --no-access-log --log-level warning --workers 1 --host 127.0.0.1';
  const server = [python, '-m', 'uvicorn', `${module}:app`, ...uvicorn.split(' '), '--port', String(port)];
  const worker = [
    python,
    '-m',
    'celery',
    '-A',
    `${module}:celery`,
    'worker',
    '--pool',
    'threads',
    '--concurrency',
    '600',
  ];
  return hasWorker
    ? [server, [...worker, '--loglevel', 'ERROR', '--without-gossip', '--without-mingle']]
    : [server];
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Processes with all that descend from them. Linux only. */
function familyOf(roots: readonly number[]): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc'))
    if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(Number(name)));
  const family = new Set(roots);
  for (let size = 0; size !== family.size;) {
    size = family.size;
    for (const [pid, parent] of parents) if (family.has(parent)) family.add(pid);
  }
  return [...family];
}

/** Undefined for a process that has just ended. */
function statusOf(pid: number, line: RegExp): number | undefined {
  try {
    const found = line.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}

function parentOf(pid: number): number {
  return statusOf(pid, /^PPid:\s*(\d+)$/m) ?? 0;
}

/** @param withEnded with what its children had used that have ended */
function usageOf(pid: number, withEnded: boolean): PeerUsage {
  const residentBytes = (statusOf(pid, /^RssAnon:\s*(\d+) kB$/m) ?? 0) * 1024;
  try {
    return { cpuMicroseconds: cpuMicroseconds(pid, withEnded), residentBytes };
  } catch {
    return { cpuMicroseconds: 0, residentBytes };
  }
}
