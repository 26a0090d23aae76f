import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const FOLDER = import.meta.dirname;

/** Starts a program of this folder, or of a package in it. */
export function start(program: string, args: readonly string[]) {
  return spawn(process.execPath, [join(FOLDER, program), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What a program has written when it has ended well. */
export async function run(program: string, ...args: readonly string[]): Promise<string> {
  const child = start(program, args);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(`${program} failed: ${stdout}${stderr}`);
  return stdout;
}
