/** What the commands of `npm run` have in common. Node runs one of them from its source, so imports of this end in .ts. */
import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** What a command is run in: a process, most often. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: AsyncIterable<unknown>;
  readonly stdout: Output;
  readonly stderr: Output;
}

interface Output {
  write(text: string): unknown;
}

/** A command that can’t be done as it was given. */
export class UsageError extends Error {
  override name = 'UsageError';
}

interface Terms {
  /** Where to learn what there is. */
  readonly hint: string;
  /** Errors whose message says what to do, besides that of the usage. */
  readonly mendable: readonly (abstract new (...args: never[]) => Error)[];
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
    if ([UsageError, ...mendable].some((kind) => error instanceof kind)) say(stderr, message);
    else say(stderr, code?.startsWith('ERR_PARSE_ARGS') ? `${message}\n${hint}` : String(stack));
    return 1;
  }
}

/** The environment, with what a file .env says beneath it: for drivers too, which read it themselves. */
export function environmentOf({ env }: Terminal): NodeJS.ProcessEnv {
  const ofFile = existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {};
  for (const [name, value] of Object.entries(ofFile)) env[name] ??= value;
  return env;
}

export function say(stderr: Output, line: string): void {
  stderr.write(`${line}\n`);
}
