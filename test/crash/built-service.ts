import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ClusterFaultName, FaultName } from './faults.ts';

const SERVICE = fileURLToPath(new URL('service.ts', import.meta.url));

/** What it logs as errors, as it should: of receivers that want no more, and of runs that kill after kill has cut off. */
const EXPECTED = /"context":"webhook"|"msg":"\d+ runs are set aside, because several starts in a row died /;

interface Options {
  /** Where it keeps the traces of its sub-tasks. */
  readonly directory: string;
  /** What of its environment is its own. */
  readonly env: Readonly<Record<string, string>>;
  readonly fault: FaultName | ClusterFaultName | undefined;
  /** Called with each line that it logs. */
  readonly heard?: (line: string) => void;
}

export const effectsIn = (directory: string) => join(directory, 'effects.txt');

/** The built service as a process that is to be killed. */
export class BuiltService {
  /** What it logged as errors or wrote to its standard error, and an end that nobody asked for. */
  readonly errors: string[] = [];
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #closed: Promise<unknown>;
  readonly #url = Promise.withResolvers<string>();
  readonly #heard: (line: string) => void;
  #ending = false;

  constructor({ directory, env, fault, heard = () => undefined }: Options) {
    this.#heard = heard;
    this.#child = spawn(process.execPath, [SERVICE], {
      cwd: directory,
      env: {
        PORT: '0',
        RUN_RETENTION: '0',
        // So short that a stop leaves something.
        SHUTDOWN_GRACE: '40ms',
        // So few that runs wait for their turn.
        MAX_CONCURRENT_SUB_TASKS: '100',
        CRASH_EFFECTS: effectsIn(directory),
        // All but the first start sooner.
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(directory, 'compiled'),
        ...(fault && { CRASH_FAULT: fault }),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#closed = once(this.#child, 'close');
    // Whoever waits for it learns of it; nobody does while it is killed in its start.
    this.#url.promise.catch(() => undefined);
    this.#readOutput();
    this.#expectEnd();
  }

  /** Whether it was told to end, so that callers may be cut off. */
  get ending(): boolean {
    return this.#ending;
  }

  /** Where it listens, as soon as it does. Rejects when it ends before. */
  get url(): Promise<string> {
    return this.#url.promise;
  }

  /** Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL');
    await this.#closed;
  }

  /** Resolves when it has come to its end. */
  async stop(): Promise<void> {
    this.#signal('SIGTERM');
    await this.#closed;
  }

  /** Lets it do nothing, and say nothing, until it goes on. */
  halt(): void {
    this.#child.kill('SIGSTOP');
  }

  goOn(): void {
    this.#child.kill('SIGCONT');
  }

  #signal(signal: NodeJS.Signals): void {
    this.#ending = true;
    this.#child.kill(signal);
  }

  #readOutput(): void {
    const { stdout, stderr } = this.#child;
    createInterface({ input: stderr }).on('line', (line) => this.errors.push(line));
    // A kill may cut a line short, so none is taken for JSON.
    createInterface({ input: stdout }).on('line', (line) => {
      const [, url] = /"Listening on (http:\S+)/.exec(line) ?? [];
      if (url !== undefined) this.#url.resolve(url);
      if (/"level":[56]0,/.test(line) && !EXPECTED.test(line)) this.errors.push(line);
      this.#heard(line);
    });
  }

  #expectEnd(): void {
    const endWithHarness = () => this.#child.kill('SIGKILL');
    process.once('exit', endWithHarness);
    this.#child.once('close', (code, signal) => {
      process.off('exit', endWithHarness);
      const wanted = this.#ending && (code === 0 || signal === 'SIGKILL');
      if (!wanted) this.errors.push(`It ended with ${String(code ?? signal)}`);
      this.#url.reject(new Error(['The service ended before it listened', ...this.errors].join('\n')));
    });
  }
}
