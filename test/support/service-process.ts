import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { getCompileCacheDir } from 'node:module';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import supertest from 'supertest';
import type { ShownRun } from './test-app.js';

const MAIN = resolve(import.meta.dirname, '../../dist/main.js');

interface Options {
  /** All of its environment but for PORT, which is 0. */
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Default: its main.js. */
  readonly program?: string;
  /** Options of Node. */
  readonly nodeArgs?: readonly string[];
  /** A file that is loaded before it and answers messages: see `ask`. */
  readonly probe?: string;
  /** What the file `.env` in its working directory says. */
  readonly envFile?: string;
  /** Its working directory, which outlives it. Default: an empty one of its own. */
  readonly directory?: string;
  /** The user that it runs as. Default: that of the tests. */
  readonly uid?: number;
}

export interface ProcessLine {
  readonly level: number;
  readonly msg: string;
  /** Which kind of line it is. */
  readonly context?: string;
  readonly runId?: string;
  readonly subTask?: string;
  readonly err?: { readonly message: string };
}

/** The built service as a process of its own. */
export class ServiceProcess {
  static readonly MAIN = MAIN;
  readonly lines: ProcessLine[] = [];
  private readonly waiting = new Set<() => void>();
  /** Where it listens. */
  url = '';

  private constructor(private readonly child: ChildProcess) {
    const output = createInterface({ input: child.stdout! });
    output.on('line', (line) => {
      this.lines.push(JSON.parse(line) as ProcessLine);
      for (const check of [...this.waiting]) check();
    });
  }

  /** Starts it, whatever it waits for. */
  static begin(options: Options): ServiceProcess {
    const service = new ServiceProcess(launch(options));
    service.child.stderr!.pipe(process.stderr);
    return service;
  }

  /** Starts it, and resolves when it listens. */
  static async start(options: Options = {}): Promise<ServiceProcess> {
    const service = ServiceProcess.begin(options);
    const { msg } = await service.line(/^Listening on http/);
    service.url = /http:\S+/.exec(msg)![0];
    return service;
  }

  /** Lets it run to its end, which must come by itself. */
  static async run(options: Options): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = launch(options);
    const [stdout, stderr] = await Promise.all([
      text(child.stdout!),
      text(child.stderr!),
      once(child, 'close'),
    ]);
    return { code: child.exitCode, stdout, stderr };
  }

  get pid(): number {
    return this.child.pid!;
  }

  get http(): ReturnType<typeof supertest> {
    return supertest(this.url);
  }

  /** The first line of its log whose message matches, as soon as it is there. Rejects when the process ends without. */
  line(message: RegExp): Promise<ProcessLine> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = this.lines.find(({ msg }) => message.test(msg));
        if (!found) return;
        this.waiting.delete(check);
        resolve(found);
      };
      this.waiting.add(check);
      check();
      const refuse = () => reject(new Error(`Ended without a line ${String(message)}`));
      if (this.ended) refuse();
      else this.child.once('close', refuse);
    });
  }

  /** What it says of a run as soon as that is over: it is asked until then. */
  async finishedRun(runId: string): Promise<ShownRun> {
    for (;;) {
      const { body } = (await this.http.get(`/runs/${runId}`).expect(200)) as { body: ShownRun };
      if (body.finishedAt !== null) return body;
      await delay(20);
    }
  }

  /** Reads its log no more. */
  closeLog(): void {
    this.child.stdout!.destroy();
  }

  /** What its probe answers. */
  ask(question: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const refuse = () => reject(new Error('Ended without an answer'));
      this.child.once('close', refuse);
      this.child.once('message', (answer) => {
        this.child.off('close', refuse);
        resolve(answer);
      });
      this.child.send(question, (error) => error && reject(error));
    });
  }

  /** Sends it a signal. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Asks it to stop; resolves with its exit code, null when it was killed, and has all its lines then. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (!this.ended) {
      this.signal(signal);
      await once(this.child, 'close');
    }
    return this.child.exitCode;
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }
}

function launch({
  env = {},
  args = [],
  program = MAIN,
  nodeArgs = [],
  probe,
  envFile,
  directory,
  uid,
}: Options): ChildProcess {
  const cwd = directory ?? mkdtempSync(join(tmpdir(), 'frontrunner-'));
  if (envFile !== undefined) writeFileSync(join(cwd, '.env'), envFile);
  const preloads = probe === undefined ? [] : ['--import', probe];
  const child = spawn(process.execPath, [...nodeArgs, ...preloads, program, ...args], {
    cwd,
    env: { PORT: '0', NODE_COMPILE_CACHE: getCompileCacheDir() ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(probe === undefined ? [] : ['ipc' as const])],
    ...(uid !== undefined && { uid }),
  });
  child.once('close', () => {
    if (directory === undefined) rmSync(cwd, { recursive: true });
  });
  return child;
}
