/** `frontrunner queue`: shows the dead-letter queue of sub-tasks that left their node, and redrives them. */
import { parseArgs } from 'node:util';
import { environmentOf, runCommand, say, UsageError, type Terminal } from '../command-line/command.js';
import { table } from '../command-line/table.js';
import { DatabaseError } from '../journal/database-error.js';
import { databaseOfNodes } from './database-of-nodes.js';
import { DeadSubTasks, ofRuns } from './dead-sub-tasks.js';

const EMPTY = 'The dead-letter queue is empty';
const HINT = 'frontrunner queue --help says what there is';

const USAGE = `Usage: frontrunner queue list
       frontrunner queue redrive <run>…
       frontrunner queue redrive --all

Sub-tasks leave their node through a queue when its database is Postgres. One that too many nodes died of, or that could
not be delivered to any, waits in the dead-letter queue, and its run with it, until somebody has looked into it. A run
whose task no node knows waits for one that does, and after UNKNOWN_TASK_GRACE in the dead-letter queue.

list     shows them, the oldest first: run, task, sub-task, since when, how often it was delivered, and why it is there.
redrive  sends those of some runs, or all, back to the queue that they came from, with as many deliveries as at first;
         runs whose task no node knew wait for such a node anew.

DATABASE_URL and DATABASE_SCHEMA say which database, and may be set in a file .env. Nodes may run meanwhile.
`;

/** Executes the command. @returns the exit code */
export function manageQueue(args: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(() => manage(args, terminal), terminal, { hint: HINT, mendable: [DatabaseError] });
}

async function manage(args: readonly string[], terminal: Terminal): Promise<undefined> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      all: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, ...runIds] = positionals;
  if (values.help) terminal.stdout.write(USAGE);
  else if (command === undefined) throw new UsageError(USAGE.trimEnd());
  else if (command === 'list' && runIds.length === 0 && !values.all)
    await withQueue(terminal, (queue) => list(queue, terminal));
  else if (command === 'redrive' && values.all !== runIds.length > 0)
    await withQueue(terminal, (queue) => redrive(queue, values.all ? 'all' : runIds, terminal));
  else throw new UsageError(`It takes list, redrive <run>…, or redrive --all; ${HINT}`);
}

async function withQueue(terminal: Terminal, use: (queue: DeadSubTasks) => Promise<void>): Promise<void> {
  const queue = await DeadSubTasks.open(databaseOfNodes(environmentOf(terminal)));
  try {
    await use(queue);
  } finally {
    await queue.close();
  }
}

async function list(queue: DeadSubTasks, { stdout, stderr }: Terminal): Promise<void> {
  const { runs, subTasks } = await queue.letters();
  const letters = [...runs.map((run) => ({ ...run, subTask: '-', deliveries: '-' })), ...subTasks];
  if (letters.length === 0) {
    say(stderr, EMPTY);
    return;
  }
  const head = ['RUN', 'TASK', 'SUB-TASK', 'SINCE', 'DELIVERED', 'WHY'];
  const rows = letters.map(({ runId, task, subTask, since, deliveries, reason }) => [
    runId,
    task,
    subTask,
    since.toISOString(),
    deliveries,
    reason,
  ]);
  stdout.write(table(head, rows));
}

async function redrive(
  queue: DeadSubTasks,
  runIds: 'all' | readonly string[],
  { stdout, stderr }: Terminal,
): Promise<void> {
  const { missing, ...letters } = ofRuns(await queue.letters(), runIds);
  for (const runId of missing)
    throw new UsageError(`The dead-letter queue has nothing of a run ${runId}; list says what it has`);
  const { runs, subTasks } = letters;
  const count = await queue.redrive(letters);
  for (const { runId, task } of runs)
    stdout.write(`The run ${runId} waits for a node that knows the task ${task}\n`);
  for (const { runId, subTask, queue: name } of subTasks)
    stdout.write(`${subTask} of the run ${runId} goes back to ${name}\n`);
  if (runs.length + subTasks.length === 0) say(stderr, EMPTY);
  else if (count < subTasks.length) say(stderr, 'Some had been sent back by somebody else just before');
}
