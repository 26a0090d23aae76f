/** What the commands of `frontrunner` have in common. */
import type { EventEmitter } from 'node:events';
import { EnvFileError, readEnvFile } from '../config/env-file.js';

/** What a command is run in: a process, most often. */
export interface Terminal extends Pick<EventEmitter, 'once' | 'off'> {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: AsyncIterable<unknown>;
  readonly stdout: Screen;
  readonly stderr: Output;
}

export interface Output {
  write(text: string): unknown;
}

/** Where a command writes to: a terminal, perhaps. */
export interface Screen extends Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  /** Terminals alone say so; NO_COLOR counts. */
  hasColors?(): boolean;
}

/** The exit code of a command that can’t be done as it was given. */
export const USAGE_EXIT_CODE = 2;
/** As shells have it: 128, and the number of SIGINT. */
export const INTERRUPTED = 130;

/** A command that can’t be done as it was given. */
export class UsageError extends Error {
  override name = 'UsageError';
}

interface Terms {
  /** Where to learn what there is. */
  readonly hint: string;
  /** Errors whose message says what to do, besides that of the usage. */
  readonly mendable: readonly (abstract new (...args: never[]) => Error & { readonly exitCode?: number })[];
}

/** Does a command, and says what keeps it from that. @returns its exit code */
export async function runCommand(
  command: () => number | undefined | Promise<number | undefined>,
  { stderr }: Terminal,
  { hint, mendable }: Terms,
): Promise<number> {
  try {
    return (await command()) ?? 0;
  } catch (error) {
    const { message, stack, code } = error as NodeJS.ErrnoException;
    const isParsing = code?.startsWith('ERR_PARSE_ARGS') ?? false;
    if (isParsing || error instanceof UsageError) {
      say(stderr, isParsing ? `${message}\n${hint}` : message);
      return USAGE_EXIT_CODE;
    }
    const isMendable = mendable.some((kind) => error instanceof kind);
    say(stderr, isMendable ? message : String(stack));
    return (isMendable ? (error as { exitCode?: number }).exitCode : undefined) ?? 1;
  }
}

/** Does work that SIGINT and SIGTERM interrupt: they abort its signal, instead of ending the process. */
export async function interruptible<T>(
  terminal: Terminal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  terminal.once('SIGINT', interrupt);
  terminal.once('SIGTERM', interrupt);
  try {
    return await work(stop.signal);
  } finally {
    terminal.off('SIGINT', interrupt);
    terminal.off('SIGTERM', interrupt);
  }
}

/** The environment, with what a file .env says beneath it: for drivers too, which read it themselves. @throws {UsageError} */
export function environmentOf({ env }: Terminal): NodeJS.ProcessEnv {
  for (const [name, value] of Object.entries(fromFile())) env[name] ??= value;
  return env;
}

function fromFile(): ReturnType<typeof readEnvFile> {
  try {
    return readEnvFile();
  } catch (error) {
    throw error instanceof EnvFileError ? new UsageError(error.message) : error;
  }
}

export function say(stderr: Output, line: string): void {
  stderr.write(`${line}\n`);
}
