/** `frontrunner serve`: starts the service, with flags for the most common settings. */
import { parseArgs } from 'node:util';
import { environmentOf, runCommand, say, UsageError, type Terminal } from '../command-line/command.js';
import { valueOf } from '../command-line/variable.js';
import { launch } from '../launch.js';
import { listenForStop } from '../stop-signals.js';
import { openPage } from './open-page.js';
import { watchTasksFiles } from './watch-tasks-files.js';

const HINT = 'frontrunner serve --help says what there is';

const USAGE = `Usage: frontrunner serve [<tasks file or folder>…] [--port <port>] [--host <host>] [--database <url>] [--keys <file>]
                         [--demo] [--watch] [--open]

Serves tasks over HTTP until Ctrl+C or SIGTERM, which let finish what runs.

  <tasks file or folder>  TASKS_FILE
  -p, --port              PORT
  --host                  HOST
  --database              DATABASE_URL
  --keys                  API_KEYS_FILE, made by frontrunner keys
  --demo, --no-demo       DEMO: has the demo task besides, at /run-tasks. Default here: not.
  --watch                 Reads the tasks files again when they have changed. With a mistake in them, the tasks stay as they were.
  --open                  Opens the documentation in the browser.

A flag counts before the variable of its name, and that before the file .env.

`;

/** Executes the command. @returns the exit code; the service runs on until it is stopped */
export function serve(args: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(() => begin(args, terminal), terminal, { hint: HINT, mendable: [] });
}

async function begin(args: readonly string[], terminal: Terminal): Promise<undefined> {
  const { help, watch, open, variables } = readFlags(args);
  if (help) {
    const { variablesUsage } = await import('../config/usage.js');
    terminal.stdout.write(USAGE + variablesUsage());
    return;
  }
  const env = Object.assign(environmentOf(terminal), variables);
  env.DEMO ||= 'off';
  const reportTo = (line: string) => say(terminal.stderr, line);
  await launch(
    listenForStop(),
    () => true,
    ({ url, tasksFiles, reload }) => {
      if (watch && tasksFiles.length === 0) reportTo('--watch has nothing to watch: there is no tasks file');
      else if (watch) watchTasksFiles(tasksFiles, reload);
      if (open) openPage(`${url}/docs`, reportTo);
    },
  );
}

/** The parsed flags, and the variables that they set. @throws {UsageError} */
export function readFlags(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    allowNegative: true,
    options: {
      port: { type: 'string', short: 'p' },
      host: { type: 'string' },
      database: { type: 'string' },
      keys: { type: 'string' },
      demo: { type: 'boolean' },
      watch: { type: 'boolean', default: false },
      open: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { port, host, database, keys, demo, ...rest } = values;
  const comma = positionals.find((path) => path.includes(','));
  if (comma !== undefined)
    throw new UsageError(
      `${comma} has a comma, which separates paths in TASKS_FILE; give the file another name`,
    );
  const flags = {
    PORT: port,
    HOST: host,
    DATABASE_URL: database,
    API_KEYS_FILE: keys,
    DEMO: demo === undefined ? undefined : demo ? 'on' : 'off',
    TASKS_FILE: positionals.length > 0 ? positionals.join(',') : undefined,
  };
  const given = Object.entries(flags).filter(([, value]) => value !== undefined);
  const empty = given.find(([, value]) => value === '');
  if (empty) throw new UsageError(`The flag for ${empty[0]} takes a value; ${HINT}`);
  const variables = Object.fromEntries(given) as Partial<Record<keyof typeof flags, string>>;
  for (const name of Object.keys(variables)) valueOf(name as keyof typeof flags, variables);
  return { ...rest, variables };
}
