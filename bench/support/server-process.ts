import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answers, Probe } from '../probes/answer.ts';
import { freePort } from '../../test/support/free-port.ts';
import { FIRST_RESULT, ROUTE, type ServerSpec } from '../servers/server-spec.ts';
import { endChild } from './child.ts';
import { onCore } from './cores.ts';
import type { Stage } from './stage.ts';

const PROBES: Readonly<Record<Probe, URL>> = {
  heap: new URL('../probes/heap.ts', import.meta.url),
  commits: new URL('../probes/commits.ts', import.meta.url),
  'loop-delay': new URL('../probes/loop-delay.ts', import.meta.url),
};

/** How long a server may take to start, in milliseconds. */
const START_LIMIT = 30_000;

/** Between two looks whether it is ready, in milliseconds: as much as the time of its start may be off. */
const READY_INTERVAL = 5;

/** Settings of the service that the shell at hand may have; the figures are for the defaults. */
const SETTINGS = [
  'LOG_LEVEL',
  'RUN_RETENTION',
  'SHUTDOWN_GRACE',
  'MAX_CONCURRENT_SUB_TASKS',
  'MAX_QUEUED_RUNS',
  'MAX_INPUT_BYTES',
  'MAX_RESULT_BYTES',
];

export interface ServerOptions {
  readonly core: number | undefined;
  /** Factor on the demo's sleeps of 1, 5 and 3 seconds. */
  readonly timeScale: number;
  /** Preload these, where the server is Node. */
  readonly probes?: readonly Probe[];
  /** False asks for no answer once it is ready, where a run more would be in the way. */
  readonly tryOut?: boolean;
}

/** A server that is ready, has answered rightly once where that was wanted, and now waits for load. */
export class ServerProcess {
  readonly spec: ServerSpec;
  readonly origin: string;
  readonly #child: ChildProcess;
  readonly #stage: Stage;
  readonly #probes: readonly Probe[];
  readonly #startedAt = performance.now();
  #ready = { afterMs: NaN, at: NaN };

  private constructor(
    stage: Stage,
    spec: ServerSpec,
    child: ChildProcess,
    port: number,
    probes: readonly Probe[],
  ) {
    this.spec = spec;
    this.origin = `http://127.0.0.1:${String(port)}`;
    this.#child = child;
    this.#stage = stage;
    this.#probes = probes;
  }

  /** Starts it on a free port, and returns when it answers. Its death from then on ends the bench. */
  static async start(stage: Stage, spec: ServerSpec, options: ServerOptions): Promise<ServerProcess> {
    const port = await freePort();
    const probes = spec.isNode ? (options.probes ?? []) : [];
    const flags = probes.flatMap((probe) => ['--expose-gc', '--import', PROBES[probe].href]);
    const [file = '', ...args] = onCore(options.core, spec.file, [...flags, ...spec.args(port)]);
    stage.signal.throwIfAborted();
    const child = spawn(file, args, {
      // A directory without a .env file, which the service would read.
      cwd: import.meta.dirname,
      env: serverEnv(spec, port, options.timeScale),
      stdio: ['ignore', 'ignore', 'pipe', ...(probes.length > 0 ? (['ipc'] as const) : [])],
      // Its own group: Ctrl-C reaches the bench alone, which then stops its children in order.
      detached: true,
    });
    stage.adopt(child);
    abortOnExit(stage, spec, child);
    const server = new ServerProcess(stage, spec, child, port, probes);
    await server.#untilReady();
    if (options.tryOut !== false) await server.#tryOut();
    return server;
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.spec.name} never started.`);
    return this.#child.pid;
  }

  /** What callers ask for. */
  get url(): string {
    return `${this.origin}${ROUTE}`;
  }

  /** When it was ready: milliseconds since its process began, and since 1970. */
  get ready(): { readonly afterMs: number; readonly at: number } {
    return this.#ready;
  }

  /** What a probe has to say; undefined where it was not preloaded. */
  async ask<P extends Probe>(probe: P): Promise<Answers[P] | undefined> {
    if (!this.#probes.includes(probe)) return undefined;
    this.#stage.signal.throwIfAborted();
    this.#child.send(probe);
    const [value] = (await once(this.#child, 'message', { signal: this.#stage.signal })) as [Answers[P]];
    return value;
  }

  async stop(): Promise<void> {
    this.#child.removeAllListeners('exit');
    await endChild(this.#child);
  }

  /** Ends it at once, where it would wait for runs to finish. */
  async kill(): Promise<void> {
    this.#child.removeAllListeners('exit');
    this.#child.kill('SIGKILL');
    await endChild(this.#child);
  }

  async #untilReady(): Promise<void> {
    const { signal } = this.#stage;
    const url = `${this.origin}${this.spec.readyRoute}`;
    for (;;) {
      signal.throwIfAborted();
      const answer = await fetch(url, { signal }).catch(() => undefined);
      const afterMs = performance.now() - this.#startedAt;
      await answer?.body?.cancel();
      if (answer?.ok) {
        this.#ready = { afterMs, at: Date.now() };
        return;
      }
      if (afterMs > START_LIMIT) {
        const status = answer ? `status ${String(answer.status)}` : 'nothing';
        throw new Error(`${this.spec.name} should answer ${url} with 200, but it answers ${status}.`);
      }
      await sleep(READY_INTERVAL, undefined, { signal });
    }
  }

  async #tryOut(): Promise<void> {
    const answer = await fetch(this.url, { signal: this.#stage.signal });
    const body = await answer.text();
    if (answer.ok && body.includes(JSON.stringify(FIRST_RESULT))) return;
    throw new Error(
      `${this.spec.name} answers ${String(answer.status)} ${body} instead of "${FIRST_RESULT}".`,
    );
  }
}

function serverEnv(spec: ServerSpec, port: number, timeScale: number): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env };
  for (const name of SETTINGS) Reflect.deleteProperty(env, name);
  return { ...env, ...spec.env, PORT: String(port), HOST: '127.0.0.1', DEMO_TIME_SCALE: String(timeScale) };
}

function abortOnExit(stage: Stage, spec: ServerSpec, child: ChildProcess): void {
  let lastWords = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-2000);
  });
  child.on('error', (error) => {
    stage.abort(error);
  });
  child.on('exit', (code, signal) => {
    stage.abort(new Error(`${spec.name} ended by itself (${String(signal ?? code)}).\n${lastWords}`));
  });
}
