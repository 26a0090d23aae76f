/** `npm run tasks`: looks for mistakes in files of tasks, and prints their schema. */
import { parseArgs } from 'node:util';
import { environmentOf, runCommand, say, UsageError, type Terminal } from '../command-line/command.js';
import { mistakeLines, TasksFileError } from './mistake.js';
import { tasksJsonSchema } from './tasks-file.schema.js';
import { readTasksFile } from './tasks-file.js';

const HINT = 'npm run tasks -- --help says what there is';

const USAGE = `Usage: npm run -s tasks -- check [<file>…]
       npm run -s tasks -- schema

check   finds every mistake in files of tasks, with its line and column. Default: TASKS_FILE, which may be set in a
        file .env. Whether the service has the classes that they name, and no tasks of the same names, only its start
        can say. A variable of the environment that isn’t set here is a warning; the service doesn’t start without.
schema  prints the JSON Schema of such files, by which editors complete and check them.

Where the service is built, node dist/tasks-file/tasks.command.js does the same at once.
`;

/** Does what the arguments say. @returns the exit code */
export function checkTasks(args: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(() => run(args, terminal), terminal, { hint: HINT, mendable: [] });
}

function run(args: readonly string[], terminal: Terminal): number {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h', default: false } },
  });
  const [command, ...files] = positionals;
  if (values.help || command === undefined) terminal.stdout.write(USAGE);
  else if (command === 'schema' && files.length === 0)
    terminal.stdout.write(`${JSON.stringify(tasksJsonSchema(), undefined, 2)}\n`);
  else if (command === 'check') return checkAll(files, terminal);
  else throw new UsageError(`It takes check, or schema; ${HINT}`);
  return 0;
}

function checkAll(files: readonly string[], terminal: Terminal): number {
  const env = environmentOf(terminal);
  const all = files.length > 0 ? files : [fileOf(env)];
  return all.filter((file) => !check(file, env, terminal)).length > 0 ? 1 : 0;
}

/** Says what is wrong with a file; true when nothing is. */
function check(file: string, env: Terminal['env'], { stdout, stderr }: Terminal): boolean {
  try {
    const { tasks, mistakes, unset } = readTasksFile(file, env);
    for (const line of mistakeLines(file, mistakes)) say(stderr, line);
    for (const line of mistakeLines(file, unset)) say(stderr, `${line} (a warning)`);
    const subTasks = tasks.reduce((sum, task) => sum + task.subTasks.length, 0);
    if (mistakes.length > 0) say(stderr, `${file}: ${count(mistakes.length, 'mistake')}`);
    else
      stdout.write(`${file}: ${count(tasks.length, 'task')}, ${count(subTasks, 'sub-task')}, no mistakes\n`);
    return mistakes.length === 0;
  } catch (error) {
    if (!(error instanceof TasksFileError)) throw error;
    for (const line of error.lines) say(stderr, line);
    return false;
  }
}

function fileOf({ TASKS_FILE = '' }: Terminal['env']): string {
  if (TASKS_FILE === '' || TASKS_FILE === 'none')
    throw new UsageError('Say which file holds the tasks: check <file>, or set TASKS_FILE');
  return TASKS_FILE;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
