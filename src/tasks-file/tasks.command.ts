/** `npm run tasks`: looks for mistakes in files of tasks, and prints their schema. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { mistakeLines, TasksFileError } from './mistake.js';
import { tasksJsonSchema } from './tasks-file.schema.js';
import { readTasksFile } from './tasks-file.js';

const HINT = 'npm run tasks -- --help says what there is';

const USAGE = `Usage: npm run -s tasks -- check [<file>…]
       npm run -s tasks -- schema

check   finds every mistake in files of tasks, with its line and column. Default: TASKS_FILE, which may be set in a
        file .env. Whether the service has the classes that they name, and no tasks of the same names, only its start
        can say. A variable that headers name and that isn’t set here is a warning; the service doesn’t start without.
schema  prints the JSON Schema of such files, by which editors complete and check them.

Where the service is built, node dist/tasks-file/tasks.command.js does the same at once.
`;

/** A command that can’t be done as it was given. */
class UsageError extends Error {}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h', default: false } },
  });
  const [command, ...files] = positionals;
  if (values.help || command === undefined) process.stdout.write(USAGE);
  else if (command === 'schema' && files.length === 0)
    process.stdout.write(`${JSON.stringify(tasksJsonSchema(), undefined, 2)}\n`);
  else if (command === 'check') checkAll(files);
  else throw new UsageError(`It takes check, or schema; ${HINT}`);
}

function checkAll(files: readonly string[]): void {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const wrong = (files.length > 0 ? files : [fileOfEnvironment()]).filter((file) => !check(file));
  if (wrong.length > 0) process.exitCode = 1;
}

/** Says what is wrong with a file; true when nothing is. */
function check(file: string): boolean {
  try {
    const { tasks, mistakes, unset } = readTasksFile(file, process.env);
    for (const line of mistakeLines(file, mistakes)) say(line);
    for (const line of mistakeLines(file, unset)) say(`${line} (a warning)`);
    const subTasks = tasks.reduce((sum, task) => sum + task.subTasks.length, 0);
    if (mistakes.length > 0) say(`${file}: ${count(mistakes.length, 'mistake')}`);
    else
      process.stdout.write(
        `${file}: ${count(tasks.length, 'task')}, ${count(subTasks, 'sub-task')}, no mistakes\n`,
      );
    return mistakes.length === 0;
  } catch (error) {
    if (!(error instanceof TasksFileError)) throw error;
    for (const line of error.lines) say(line);
    return false;
  }
}

function fileOfEnvironment(): string {
  const { TASKS_FILE = '' } = process.env;
  if (TASKS_FILE === '' || TASKS_FILE === 'none')
    throw new UsageError('Say which file holds the tasks: check <file>, or set TASKS_FILE');
  return TASKS_FILE;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

try {
  main();
} catch (error) {
  const { message, stack, code } = error as NodeJS.ErrnoException;
  if (error instanceof UsageError) say(message);
  else say(code?.startsWith('ERR_PARSE_ARGS') ? `${message}\n${HINT}` : String(stack));
  process.exitCode = 1;
}
