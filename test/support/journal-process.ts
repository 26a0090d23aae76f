import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { NewEvent } from '../../src/core/events.js';
import type { DatabaseFile } from './database-file.js';

const PROGRAM = fileURLToPath(new URL('./journal-program.ts', import.meta.url));
const FAULTS = new URL('./faults.ts', import.meta.url).href;
const TYPESCRIPT = new URL('./typescript-for-threads.js', import.meta.url).href;

/** What such a process is asked to do. */
export interface JournalRequest {
  /** The path of a database. */
  readonly open?: string;
  readonly append?: NewEvent;
  readonly close?: true;
}

interface Options {
  /** The user that it runs as. Default: that of the tests. */
  readonly uid?: number | undefined;
  /** Where `askFor` can make trouble for it. */
  readonly faults?: DatabaseFile;
  readonly env?: Readonly<Record<string, string>>;
}

/** A process that has a journal of the build and nothing else, which starts in a fraction of the time of the service. */
export class JournalProcess {
  static readonly PROGRAM = PROGRAM;

  private constructor(private readonly child: ChildProcess) {}

  static async start({ uid, faults, env = {} }: Options = {}): Promise<JournalProcess> {
    const child = fork(PROGRAM, {
      cwd: '/',
      execArgv: ['--import', TYPESCRIPT, ...(faults ? ['--import', FAULTS] : [])],
      env: faults ? { ...env, FAULTS: faults.directory } : env,
      ...(uid !== undefined && { uid }),
    });
    const journal = new JournalProcess(child);
    await journal.answer();
    return journal;
  }

  /** Opens the database; resolves with `done`, or with the error that it is refused with. */
  open(path: string): Promise<string> {
    return this.ask({ open: path });
  }

  /** Resolves with `done` when the event is committed. */
  append(event: NewEvent): Promise<string> {
    return this.ask({ append: event });
  }

  close(): Promise<string> {
    return this.ask({ close: true });
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Ends it at once, where it hasn't ended by itself. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'close');
  }

  private async ask(request: JournalRequest): Promise<string> {
    const answer = this.answer();
    this.child.send(request);
    return answer;
  }

  private answer(): Promise<string> {
    return new Promise((resolve, reject) => {
      const refuse = (code: number | null, signal: string | null): void =>
        reject(new Error(`Ended without an answer, with ${String(signal ?? code)}`));
      this.child.once('close', refuse);
      this.child.once('message', (answer: string) => {
        this.child.off('close', refuse);
        resolve(answer);
      });
    });
  }
}
