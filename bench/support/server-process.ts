import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FIRST_RESULT, ROUTE, type ServerSpec } from '../servers/server-spec.ts';
import { endChild } from './child.ts';
import { onCore } from './cores.ts';
import type { Stage } from './stage.ts';

const HEAP_PROBE = fileURLToPath(new URL('heap-probe.ts', import.meta.url));

/** How long a server may take to start, in milliseconds. */
const START_LIMIT = 30_000;

export interface ServerOptions {
  readonly core: number | undefined;
  /** Factor on the demo's sleeps of 1, 5 and 3 seconds. */
  readonly timeScale: number;
  /** Preload the heap probe, where the server is Node. */
  readonly probeHeap?: boolean;
}

/** A server that has answered rightly once and now waits for load. */
export class ServerProcess {
  readonly spec: ServerSpec;
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #stage: Stage;

  private constructor(stage: Stage, spec: ServerSpec, child: ChildProcess, url: string) {
    this.spec = spec;
    this.url = url;
    this.#child = child;
    this.#stage = stage;
  }

  /** Starts it on a free port, and returns when it answers. Its death from then on ends the bench. */
  static async start(stage: Stage, spec: ServerSpec, options: ServerOptions): Promise<ServerProcess> {
    const port = await freePort();
    const probe = options.probeHeap === true && spec.isNode;
    const flags = probe ? ['--expose-gc', '--import', HEAP_PROBE] : [];
    const [file = '', ...args] = onCore(options.core, spec.file, [...flags, ...spec.args(port)]);
    const child = spawn(file, args, {
      env: serverEnv(spec, port, options.timeScale),
      stdio: ['ignore', 'ignore', 'pipe', ...(probe ? (['ipc'] as const) : [])],
      // Its own group: Ctrl-C reaches the bench alone, which then stops its children in order.
      detached: true,
    });
    stage.adopt(child);
    abortOnExit(stage, spec, child);
    const server = new ServerProcess(stage, spec, child, `http://127.0.0.1:${String(port)}${ROUTE}`);
    await server.#untilItAnswers();
    return server;
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.spec.name} never started.`);
    return this.#child.pid;
  }

  /** Live heap in bytes after a full collection, which pauses the server; undefined without a probe. */
  async liveHeap(): Promise<number | undefined> {
    if (!this.#child.connected) return undefined;
    this.#child.send('heap');
    const [bytes] = (await once(this.#child, 'message', { signal: this.#stage.signal })) as [number];
    return bytes;
  }

  async stop(): Promise<void> {
    this.#child.removeAllListeners('exit');
    await endChild(this.#child);
  }

  async #untilItAnswers(): Promise<void> {
    const deadline = performance.now() + START_LIMIT;
    for (;;) {
      this.#stage.signal.throwIfAborted();
      const answer = await fetch(this.url, { signal: this.#stage.signal }).catch(() => undefined);
      if (answer?.ok) {
        checkBody(this.spec, await answer.json());
        return;
      }
      if (performance.now() > deadline) {
        const status = answer ? `status ${String(answer.status)}` : 'nothing';
        throw new Error(`${this.spec.name} should answer ${this.url} with 200, but it answers ${status}.`);
      }
      await answer?.body?.cancel();
      await sleep(100, undefined, { signal: this.#stage.signal });
    }
  }
}

function checkBody(spec: ServerSpec, body: unknown): void {
  if ((body as { result?: unknown } | null)?.result === FIRST_RESULT) return;
  throw new Error(`${spec.name} answers ${JSON.stringify(body)} instead of "${FIRST_RESULT}".`);
}

function serverEnv(spec: ServerSpec, port: number, timeScale: number): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ...spec.env };
  // The figures are for the default log level, whatever the shell at hand has set.
  delete env.LOG_LEVEL;
  return { ...env, PORT: String(port), HOST: '127.0.0.1', DEMO_TIME_SCALE: String(timeScale) };
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

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  return address.port;
}
