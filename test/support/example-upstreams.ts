import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from './type-check.js';

/** The upstreams of the examples, on ports that the system chooses. */
export class ExampleUpstreams {
  readonly lines: string[] = [];
  private readonly waiting = new Set<() => void>();
  private child: ChildProcess | undefined;

  /** @param ports that the examples name, in the order in which the script says what is there */
  constructor(
    private readonly script: string,
    private readonly ports: readonly number[],
  ) {}

  async start(): Promise<void> {
    const child = spawn(process.execPath, [join(ROOT, this.script), '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.lines.push(line);
      for (const check of [...this.waiting]) check();
    });
    const ended = once(child, 'close').then(() => {
      throw new Error('The upstreams of the examples have ended');
    });
    await Promise.race([this.until(() => this.lines.length >= this.ports.length), ended]);
  }

  /** Resolves as soon as a line says so. */
  said(text: string): Promise<void> {
    return this.until(() => this.lines.some((line) => line.includes(text)));
  }

  /** An example, with the origins of these. A port that the system chose may begin with one that an example names. */
  adapt(yaml: string): string {
    return yaml.replace(/http:\/\/127\.0\.0\.1:(\d+)/g, (origin, port) => {
      const line = this.lines[this.ports.indexOf(Number(port))];
      return line?.split(' ', 1)[0] ?? origin;
    });
  }

  async stop(): Promise<void> {
    this.child!.kill();
    await once(this.child!, 'close');
  }

  private until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!isSo()) return;
        this.waiting.delete(check);
        resolve();
      };
      this.waiting.add(check);
      check();
    });
  }
}
