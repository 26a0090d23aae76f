import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Terminal } from '../../src/command-line/command.js';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  /** What comes by standard input. */
  readonly input?: string;
}

/** A command line in a directory, for one of the commands of `npm run`. */
export class CommandLine {
  constructor(
    private readonly directory: string,
    private readonly command: (args: readonly string[], terminal: Terminal) => Promise<number>,
    private readonly file: string,
  ) {}

  /** Runs the command in this process: nothing else may depend on its working directory meanwhile. */
  async run(args: readonly string[], { env = {}, input = '' }: Given = {}): Promise<Ended> {
    const written = { stdout: '', stderr: '' };
    const output = (stream: keyof typeof written) => ({
      write: (text: string) => (written[stream] += text),
    });
    const terminal = { stdin: Readable.from([input]), stdout: output('stdout'), stderr: output('stderr') };
    const before = process.cwd();
    process.chdir(this.directory);
    try {
      const code = await this.command(args, { env: { ...env }, ...terminal });
      return { code, ...written };
    } finally {
      process.chdir(before);
    }
  }

  /** Runs it as a process of its own. */
  async spawn(args: readonly string[], { env = {}, input = '' }: Given = {}): Promise<Ended> {
    const child = spawn(process.execPath, [this.file, ...args], { cwd: this.directory, env, stdio: 'pipe' });
    child.stdin.end(input);
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { code: child.exitCode, stdout, stderr };
  }
}
