/** `npm run nodes`: shows the nodes that share a Postgres and what is before them, and lets operators steer them. */
import { parseArgs } from 'node:util';
import { environmentOf, runCommand, say, UsageError, type Terminal } from '../command-line/command.js';
import { table } from '../command-line/table.js';
import { DURATION_FORM, durationSchema, milliseconds } from '../core/duration.js';
import { DatabaseError } from '../journal/database-error.js';
import { databaseOfNodes } from './database-of-nodes.js';
import { ClusterOperations } from './operations.js';

const HINT = 'npm run nodes -- --help says what there is';

const USAGE = `Usage: npm run -s nodes -- list
       npm run -s nodes -- figures
       npm run -s nodes -- drain <node> | undrain <node>
       npm run -s nodes -- pause <task> | resume <task>
       npm run -s nodes -- cancel <task> [--older-than <duration>]
       npm run -s nodes -- retry <task> [--older-than <duration>]

For nodes that share a Postgres. They learn of it within a second or so.

list     shows the nodes: whether they take runs, how many unfinished ones they have, how many slots are free, when they were
         seen, how far their clocks are ahead of the database's, and how long the commit under way has taken (ms).
figures  shows what is before them: unfinished runs, deliveries that are due and how old the oldest is, dead letters, and so on.
drain    lets a node take nothing new: new runs get 503, and /health/ready too. What it has goes on. undrain ends that.
pause    lets no node take new runs of a task, which get 503, nor sub-tasks of it that left their node. resume ends that.
cancel   asks for the end of all unfinished runs of a task that were created so long ago, or at all.
retry    asks for another attempt of all failed sub-tasks of its finished runs.

DATABASE_URL and DATABASE_SCHEMA say which database, and may be set in a file .env.
Where the service is built, node dist/cluster/nodes.command.js does the same at once.
`;

/** Does what the arguments say. @returns the exit code */
export function manageNodes(args: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(() => manage(args, terminal), terminal, { hint: HINT, mendable: [DatabaseError] });
}

async function manage(args: readonly string[], terminal: Terminal): Promise<undefined> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { 'older-than': { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
  });
  const [command, name, ...rest] = positionals;
  if (values.help || command === undefined) {
    terminal.stdout.write(USAGE);
    return;
  }
  const isForRuns = command === 'cancel' || command === 'retry';
  const isKnown = command in COMMANDS && COMMANDS[command as Command].isNamed === (name !== undefined);
  if (!isKnown || rest.length > 0 || (values['older-than'] !== undefined && !isForRuns))
    throw new UsageError(`It takes ${Object.keys(COMMANDS).join(', ')}, with what the usage says; ${HINT}`);
  const olderThanMs = olderThan(values['older-than'] ?? '0ms');
  const operations = await ClusterOperations.open(databaseOfNodes(environmentOf(terminal)));
  try {
    await COMMANDS[command as Command].does(operations, terminal, name ?? '', olderThanMs);
  } finally {
    await operations.close();
  }
}

type Does = (
  operations: ClusterOperations,
  terminal: Terminal,
  name: string,
  olderThanMs: number,
) => Promise<void>;

type Command = 'list' | 'figures' | 'drain' | 'undrain' | 'pause' | 'resume' | 'cancel' | 'retry';

const COMMANDS: Readonly<Record<Command, { readonly isNamed: boolean; readonly does: Does }>> = {
  list: { isNamed: false, does: list },
  figures: { isNamed: false, does: figures },
  drain: { isNamed: true, does: (operations, terminal, name) => drain(operations, terminal, name, true) },
  undrain: { isNamed: true, does: (operations, terminal, name) => drain(operations, terminal, name, false) },
  pause: {
    isNamed: true,
    async does(operations, { stdout }, task) {
      await operations.pause(task);
      stdout.write(`No node takes new runs of ${task}\n`);
    },
  },
  resume: {
    isNamed: true,
    async does(operations, { stdout }, task) {
      if (!(await operations.resume(task))) throw new UsageError(`The task ${task} is not paused`);
      stdout.write(`Nodes take new runs of ${task} again\n`);
    },
  },
  cancel: {
    isNamed: true,
    async does(operations, { stdout }, task, olderThanMs) {
      stdout.write(`${await operations.cancel({ task, olderThanMs })} runs are to be cancelled\n`);
    },
  },
  retry: {
    isNamed: true,
    async does(operations, { stdout }, task, olderThanMs) {
      stdout.write(`${await operations.retry({ task, olderThanMs })} runs are to be retried\n`);
    },
  },
};

async function list(operations: ClusterOperations, { stdout, stderr }: Terminal): Promise<void> {
  const nodes = await operations.nodes();
  if (nodes.length === 0) say(stderr, 'No node is running');
  const head = ['NODE', 'ROLE', 'STATE', 'RUNS', 'FREE', 'SEEN', 'SKEW', 'LAG'];
  const rows = nodes.map(({ id, role, state, runs, freeSlots, seenMs, skewMs, lagMs }) => [
    ...[id, role, state, runs, freeSlots],
    ...[`${seenMs} ms ago`, `${skewMs} ms`, `${lagMs} ms`],
  ]);
  if (nodes.length > 0) stdout.write(table(head, rows));
}

async function figures(operations: ClusterOperations, { stdout }: Terminal): Promise<void> {
  const found = await operations.figures();
  if (!found) return;
  const { unfinished, waiting, setAside, deliveries, oldestDeliveryMs, dead, commands, paused } = found;
  stdout.write(
    table(
      ['WHAT', 'HOW MUCH'],
      [
        ['unfinished runs', unfinished],
        ['runs whose task no node knows', waiting],
        ['runs that are set aside', setAside],
        ['deliveries that are due', deliveries],
        ['the oldest of them, in ms', oldestDeliveryMs],
        ['dead letters', dead],
        ['commands that are still to be done', commands],
        ['paused tasks', paused.join(', ') || 'none'],
      ],
    ),
  );
}

async function drain(
  operations: ClusterOperations,
  { stdout }: Terminal,
  node: string,
  draining: boolean,
): Promise<void> {
  if (!(await operations.drain(node, draining)))
    throw new UsageError(`There is no node ${node}; list says which there are`);
  stdout.write(draining ? `${node} takes nothing new\n` : `${node} takes runs again\n`);
}

function olderThan(text: string): number {
  const duration = durationSchema.safeParse(text);
  if (duration.success) return milliseconds(duration.data);
  throw new UsageError(`--older-than takes ${DURATION_FORM}`);
}
