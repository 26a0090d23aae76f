import type { ChildProcess } from 'node:child_process';
import { endChild } from './child.ts';

/**
 * What one bench holds while it runs: its children and the signal that ends it early, be it Ctrl-C or a
 * child that died. Every wait takes `signal`, so that one abort ends them all.
 */
export class Stage {
  readonly #controller = new AbortController();
  readonly #children: ChildProcess[] = [];

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#controller.abort(reason);
  }

  /** A progress line, on stderr: stdout is for the results. */
  say(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  /** Takes a child over: it ends with the stage, also where the bench itself breaks down. */
  adopt(child: ChildProcess): void {
    this.#children.push(child);
    process.once('exit', () => child.kill('SIGKILL'));
  }

  /** Stops every child, and returns when they are gone. */
  async clear(): Promise<void> {
    await Promise.all(this.#children.splice(0).map(endChild));
  }
}
