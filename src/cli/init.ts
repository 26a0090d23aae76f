/** `frontrunner init`: writes files to start from. */
import { lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { runCommand, say, UsageError, type Terminal } from '../command-line/command.js';
import { textOf } from '../core/thrown.js';
import { nestModule, tasksFile } from './starters.js';

const HINT = 'frontrunner init --help says what there is';

const USAGE = `Usage: frontrunner init [tasks] [--folder <folder>]
       frontrunner init nest [--folder <folder>]

tasks  writes tasks.yaml, a task that works at once, and tasks.schema.json, by which editors complete it.
nest   writes src/greet/greet.module.ts, a task in TypeScript for a Nest application.

  --folder  Where to. Default: this one.

Where one of the files is there already, nothing is written.
`;

interface Starter {
  readonly files: () => Promise<Readonly<Record<string, string>>>;
  readonly next: (folder: string) => string;
}

const STARTERS: Readonly<Record<'tasks' | 'nest', Starter>> = {
  tasks: {
    async files() {
      const { schemaText } = await import('../tasks-file/print-schema.js');
      return { 'tasks.yaml': tasksFile, 'tasks.schema.json': schemaText() };
    },
    next: (folder) =>
      `Next: frontrunner serve ${join(folder, 'tasks.yaml')} --port 3000 --watch, and in another terminal frontrunner run hello --wait`,
  },
  nest: {
    files: () => Promise.resolve({ 'src/greet/greet.module.ts': nestModule }),
    next: (folder) =>
      `Next${folder === '.' ? '' : `, in ${folder}`}: npm i @frontrunner/nestjs, and add GreetModule to the imports of your application`,
  },
};

/** A file can't be written. The message says why, and what to do about it. */
class UnwritableFile extends Error {
  override name = 'UnwritableFile';
}

/** Executes the command. @returns the exit code */
export function init(args: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(() => write(args, terminal), terminal, { hint: HINT, mendable: [UnwritableFile] });
}

async function write(args: readonly string[], { stdout, stderr }: Terminal): Promise<undefined> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      folder: { type: 'string', default: '.' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    stdout.write(USAGE);
    return;
  }
  const [kind = 'tasks', ...rest] = positionals;
  const starter = Object.hasOwn(STARTERS, kind) ? STARTERS[kind as keyof typeof STARTERS] : undefined;
  if (!starter || rest.length > 0) throw new UsageError(`It takes tasks, or nest; ${HINT}`);
  const texts = await starter.files();
  const files = Object.entries(texts).map(([name, text]) => [join(values.folder, name), text] as const);
  for (const [path] of files) if (isThere(path)) throw thereAlready(path);
  for (const [path, text] of files) {
    writeNew(path, text);
    stdout.write(`${path}\n`);
  }
  say(stderr, starter.next(values.folder));
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // What keeps it from being looked at keeps it from being written, and is told then.
  }
}

function thereAlready(path: string): UnwritableFile {
  return new UnwritableFile(`${path} is there already, and stays as it is; name another --folder`);
}

/** @throws {UnwritableFile} */
function writeNew(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { flag: 'wx' });
  } catch (error) {
    throw new UnwritableFile(`${path} can’t be written (${textOf(error)}); name another --folder`);
  }
}
