/** `frontrunner check`: finds mistakes in tasks files. */
import { parseArgs } from 'node:util';
import { ConfigError, parseConfig, type Config } from '../config/config.js';
import { parsePaths } from '../config/values.js';
import { environmentOf, runCommand, say, UsageError, type Terminal } from '../command-line/command.js';
import { DomainError } from '../core/domain-error.js';
import { parseJson } from '../core/exact-json.js';
import type { JsonValue } from '../core/json.js';
import { WebhookMeans } from '../core/webhook-means.js';
import { textOf } from '../core/thrown.js';
import { HttpSubTask } from '../upstreams/http-sub-task.js';
import type { HttpRequestOptions } from '../upstreams/http-sub-task.schema.js';
import type { Proxies } from '../upstreams/proxies.js';
import { Upstreams } from '../upstreams/upstreams.js';
import { explainTask } from './explain-task.js';
import { mistakeLines, type Mistake } from './mistake.js';
import { readTasksFiles, type TasksFile } from './tasks-file.js';

const HINT = 'frontrunner check --help says what there is';

const USAGE = `Usage: frontrunner check [<file or folder>…]
       frontrunner check [<file or folder>…] --explain <task> [--input <JSON>]

Finds every mistake in files of tasks, with its line and column, as if all were one TASKS_FILE. Default: TASKS_FILE, which may
be set in a file .env. Of a folder it takes the .yaml, .yml and .json files. Whether the service has the classes that they name,
and no tasks of the same names, only its start can say. A variable of the environment that isn't set here is a warning; the
service doesn't start without.

  --explain  Also shows the requests that a task makes of an input, and sends none. What comes from the environment is shown as
             [redacted]; headers of the caller are left out.
  --input    The input. Default: null.

Exit codes: 0 no mistakes; 1 mistakes; 2 it can't be done as it was given.
`;

/** Executes the command. @returns the exit code */
export function checkTasks(args: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(() => run(args, terminal), terminal, { hint: HINT, mendable: [ConfigError] });
}

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      explain: { type: 'string' },
      input: { type: 'string' },
    },
  });
  if (!values.help) return checkAll(positionals, values, terminal);
  terminal.stdout.write(USAGE);
  return 0;
}

interface Explained {
  readonly explain?: string | undefined;
  readonly input?: string | undefined;
}

async function checkAll(
  paths: readonly string[],
  { explain, input }: Explained,
  terminal: Terminal,
): Promise<number> {
  if (input !== undefined && explain === undefined) throw new UsageError(`--input is for --explain; ${HINT}`);
  const env = environmentOf(terminal);
  const upstreams = new Upstreams(undefined, undefined, proxiesOf(env));
  const handlerOf = (request: HttpRequestOptions) => new HttpSubTask(request, upstreams, env);
  const configure = upstreams.configure.bind(upstreams);
  const webhookMeans = webhookMeansOf(env);
  const service = { webhookMeans, ...(explain !== undefined && { handlerOf, configure }) };
  const files = readTasksFiles(paths.length > 0 ? paths : pathsOf(env), env, service);
  for (const file of files) tell(file, terminal);
  if (files.some(({ mistakes }) => mistakes.length > 0)) return 1;
  if (explain === undefined) return 0;
  const task = files.flatMap(({ tasks }) => tasks).find(({ name }) => name === explain);
  if (!task) throw new UsageError(`There is no task ${explain} in these files`);
  try {
    terminal.stdout.write(`\n${await explainTask(task, inputOf(input))}`);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw new UsageError(`${explain} doesn’t take this input: ${JSON.stringify(error.details.errors)}`);
  }
  // Without these variables, the explanation would be incomplete.
  const isMissing = ({ path: [first, name] }: Mistake) => first === 'origins' || name === explain;
  return files.some(({ unset }) => unset.some(isMissing)) ? 1 : 0;
}

function proxiesOf(env: Terminal['env']): Proxies {
  const config = partOf(env, /^(?:HTTPS?|NO)_PROXY$/i);
  return { http: config.HTTP_PROXY, https: config.HTTPS_PROXY, except: config.NO_PROXY };
}

function webhookMeansOf(env: Terminal['env']): WebhookMeans {
  const config = partOf(env, /^(?:SECRETS_KEY|WEBHOOK_SECRET|WEBHOOK_ORIGINS)$/);
  const canSeal = config.SECRETS_KEY.length > 0 || env.DATABASE_URL === 'memory:';
  return new WebhookMeans(config.WEBHOOK_ORIGINS, config.WEBHOOK_SECRET.length > 0, canSeal);
}

/** Reads only some variables of the environment, so that mistakes in others don't matter. @throws {ConfigError} */
function partOf(env: Terminal['env'], names: RegExp): Config {
  return parseConfig(Object.fromEntries(Object.entries(env).filter(([name]) => names.test(name))));
}

function inputOf(text = 'null'): JsonValue {
  try {
    return parseJson(text) as JsonValue;
  } catch (error) {
    throw new UsageError(`--input takes JSON, such as '{"city":"Paris"}': ${textOf(error)}`);
  }
}

/** Prints the mistakes in a file, or how many tasks it has. */
function tell({ file, tasks, mistakes, unset }: TasksFile, { stdout, stderr }: Terminal): void {
  for (const line of mistakeLines(mistakes)) say(stderr, line);
  for (const line of mistakeLines(unset)) say(stderr, `${line} (a warning)`);
  const subTasks = tasks.reduce((sum, task) => sum + task.subTasks.length, 0);
  if (mistakes.length > 0) say(stderr, `${file}: ${count(mistakes.length, 'mistake')}`);
  else stdout.write(`${file}: ${count(tasks.length, 'task')}, ${count(subTasks, 'sub-task')}, no mistakes\n`);
}

function pathsOf({ TASKS_FILE = 'none' }: Terminal['env']): readonly string[] {
  const paths = parsePaths(TASKS_FILE) ?? [];
  if (paths.length === 0)
    throw new UsageError('Say which file holds the tasks: frontrunner check <file>, or set TASKS_FILE');
  return paths;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
