import { say, USAGE_EXIT_CODE, type Terminal } from '../command-line/command.js';
import { nearest } from '../core/nearest.js';
import { version } from '../core/version.js';

type Run = (args: readonly string[], terminal: Terminal) => Promise<number>;

interface Command {
  readonly does: string;
  /** Loads a command's code only when that command is used. */
  readonly load: () => Promise<Run>;
}

const COMMANDS = {
  init: {
    does: 'writes a tasks file, or a Nest module, to start from',
    load: async () => (await import('./init.js')).init,
  },
  check: {
    does: 'finds the mistakes in tasks files, and explains what a task sends',
    load: async () => (await import('../tasks-file/check-tasks.js')).checkTasks,
  },
  schema: {
    does: 'prints the JSON Schema of tasks files, for editors',
    load: async () => (await import('../tasks-file/print-schema.js')).printSchema,
  },
  serve: {
    does: 'serves tasks over HTTP',
    load: async () => (await import('./serve.js')).serve,
  },
  run: {
    does: 'starts a run of a task, and waits for its answer if told to',
    load: async () => (await import('./run.js')).run,
  },
  runs: {
    does: 'lists runs, the newest first',
    load: async () => (await import('./runs.js')).runs,
  },
  watch: {
    does: 'shows runs while they go on, a lane for each sub-task',
    load: async () => (await import('./watch.js')).watch,
  },
  keys: {
    does: 'makes, lists and revokes API keys',
    load: async () => (await import('../access/manage-keys.js')).manageKeys,
  },
  journal: {
    does: 'verifies, backs up and restores an SQLite database',
    load: async () => (await import('../journal/sqlite/manage-journal.js')).manageJournal,
  },
  queue: {
    does: 'lists the dead letters of nodes that share a Postgres, and sends them back',
    load: async () => (await import('../cluster/manage-queue.js')).manageQueue,
  },
  nodes: {
    does: 'lists the nodes that share a Postgres, drains one, pauses tasks',
    load: async () => (await import('../cluster/manage-nodes.js')).manageNodes,
  },
} satisfies Record<string, Command>;

const NAMES = Object.keys(COMMANDS) as (keyof typeof COMMANDS)[];

const USAGE = `Usage: frontrunner <command> [<arguments>]
       frontrunner <command> --help
       frontrunner --version

Answers with the first of several sub-tasks to finish; the rest finish in the background.

${NAMES.map((name) => `  ${name.padEnd(9)}${COMMANDS[name].does}\n`).join('')}
Exit codes: 0 done; 1 failed; 2 the command can't be done as it was given; 3 no service was reached; 130 interrupted.
`;

/** Executes the command that the arguments name. @returns the exit code */
export async function runFrontrunner(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name = '--help', ...rest] = args;
  if (name === '--help' || name === '-h') terminal.stdout.write(USAGE);
  else if (name === '--version') terminal.stdout.write(`${version()}\n`);
  else {
    const known = NAMES.find((command) => command === name);
    if (known) return (await COMMANDS[known].load())(rest, terminal);
    const meant = nearest(name, NAMES);
    const hint = meant === undefined ? 'frontrunner --help lists them' : `did you mean ${meant}?`;
    say(terminal.stderr, `There is no command ${name}; ${hint}`);
    return USAGE_EXIT_CODE;
  }
  return 0;
}
