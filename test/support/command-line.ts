import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { getCompileCacheDir } from 'node:module';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runFrontrunner } from '../../src/cli/program.js';
import type { Screen, Terminal } from '../../src/command-line/command.js';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  /** What comes by standard input. */
  readonly input?: string;
  /** What standard output is besides a stream: a terminal, for example. */
  readonly screen?: Omit<Screen, 'write'>;
  /** Emits the signals that reach the command. */
  readonly signals?: EventEmitter;
  /** Is told what is written to standard output. */
  readonly written?: (text: string) => void;
}

const BIN = resolve(import.meta.dirname, '../../bin/frontrunner.cjs');

/** A command line in a directory, for `frontrunner`. */
export class CommandLine {
  private readonly first: readonly string[];

  /** @param commands what each of its command lines begins with */
  constructor(
    private readonly directory: string,
    ...commands: readonly string[]
  ) {
    this.first = commands;
  }

  /** Runs the command in this process: nothing else may depend on its working directory meanwhile. */
  async run(
    args: readonly string[],
    { env = {}, input = '', screen, signals = new EventEmitter(), written = () => undefined }: Given = {},
  ): Promise<Ended> {
    let [stdout, stderr] = ['', ''];
    const terminal: Terminal = Object.assign(signals, {
      env: { ...env },
      stdin: Readable.from([input]),
      stdout: {
        ...screen,
        write(text: string) {
          stdout += text;
          written(text);
        },
      },
      stderr: { write: (text: string) => (stderr += text) },
    });
    const before = process.cwd();
    process.chdir(this.directory);
    try {
      const code = await runFrontrunner([...this.first, ...args], terminal);
      return { code, stdout, stderr };
    } finally {
      process.chdir(before);
    }
  }

  /** Runs it as a process of its own. */
  async spawn(args: readonly string[], { env = {}, input = '' }: Given = {}): Promise<Ended> {
    const argv = [BIN, ...this.first, ...args];
    const child = spawn(process.execPath, argv, {
      cwd: this.directory,
      env: { NODE_COMPILE_CACHE: getCompileCacheDir() ?? '', ...env },
      stdio: 'pipe',
    });
    child.stdin.end(input);
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { code: child.exitCode, stdout, stderr };
  }
}
