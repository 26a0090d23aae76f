import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { endChild } from './child.ts';

/**
 * What one bench holds while it runs: its children, its files and the signal that ends it early, be it Ctrl-C
 * or a child that died. Every wait takes `signal`, so that one abort ends them all.
 */
export class Stage {
  readonly #controller = new AbortController();
  readonly #children: ChildProcess[] = [];
  readonly #directories: string[] = [];

  constructor() {
    process.once('exit', () => {
      for (const child of this.#children) child.kill('SIGKILL');
      this.#removeDirectories();
    });
  }

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
  }

  /** Makes an empty directory in `parent`, made where there is none; it ends with the stage, and all that is in it. */
  makeDirectory(parent: string): string {
    mkdirSync(parent, { recursive: true });
    const directory = mkdtempSync(path.join(parent, 'bench-'));
    this.#directories.push(directory);
    return directory;
  }

  /** Stops every child, and returns when they are gone, and their files with them. */
  async clear(): Promise<void> {
    await Promise.all(this.#children.map(endChild));
    this.#children.length = 0;
    this.#removeDirectories();
  }

  #removeDirectories(): void {
    for (const directory of this.#directories.splice(0))
      rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  }
}
