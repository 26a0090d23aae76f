import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const ERROR = 50;

interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly runId?: string;
  readonly subTask?: string;
}

interface Options {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** Called with each line of its log. */
  readonly tell: (node: DemoNode, message: string) => void;
}

/** The built service as a process, one of several that share a database. */
export class DemoNode {
  readonly name: string;
  /** Where it listens. */
  url = '';
  alive = true;
  /** The sub-tasks that it brought to their end, as `<run>/<sub-task>`. */
  readonly finished = new Set<string>();
  /** Resolves when it listens; rejects when it ends before. */
  readonly listening: Promise<void>;
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #complaints = '';

  constructor({ name, env, tell }: Options) {
    this.name = name;
    this.#child = spawn(process.execPath, [MAIN], {
      // There is no file .env that it could read.
      cwd: import.meta.dirname,
      // As under npm, it ends when we do, however that comes about.
      env: {
        HOST: '127.0.0.1',
        PORT: '0',
        SHUTDOWN_GRACE: '0ms',
        npm_lifecycle_event: 'demo:cluster',
        ...env,
      },
      // In a session of its own: Ctrl+C in a terminal is for us alone.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#closed = once(this.#child, 'close');
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.listening = promise;
    promise.catch(() => undefined);
    this.#child.stderr?.on('data', (chunk) => (this.#complaints += String(chunk)));
    if (this.#child.stdout)
      createInterface({ input: this.#child.stdout }).on('line', (text) => {
        const line = lineIn(text);
        if (!line) return;
        this.#note(line);
        const [, url] = /^Listening on (http:\S+)/.exec(line.msg) ?? [];
        if (url !== undefined) {
          this.url = url;
          resolve(undefined);
        }
        tell(this, line.msg);
      });
    this.#child.once('close', () => {
      this.alive = false;
      reject(new Error(`Node ${name} ended before it listened:\n${this.#complaints}`));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Ends it as the end of its machine would; resolves when it is gone. */
  async kill(): Promise<void> {
    this.alive = false;
    this.#child.kill('SIGKILL');
    await this.#closed;
  }

  #note({ level, msg, runId = '', subTask = '' }: LogLine): void {
    if (msg === `${subTask} done`) this.finished.add(`${runId}/${subTask}`);
    if (level >= ERROR) this.#complaints += `${msg}\n`;
  }
}

/** Undefined for what a kill has cut short. */
function lineIn(text: string): LogLine | undefined {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
}
