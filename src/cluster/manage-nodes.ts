/** `frontrunner nodes`: shows the nodes that share a Postgres and their backlog, and lets operators control them. */
import { parseArgs } from 'node:util';
import { environmentOf, runCommand, say, UsageError, type Terminal } from '../command-line/command.js';
import { table } from '../command-line/table.js';
import { DURATION_FORM, durationSchema, milliseconds } from '../core/duration.js';
import { DatabaseError } from '../journal/database-error.js';
import { databaseOfNodes } from './database-of-nodes.js';
import { ClusterOperations } from './operations.js';
import { CANCELLED, PAUSABLE_QUEUES, RETRIED, type Pausable, type RunFilter } from './operator-terms.js';

const HINT = 'frontrunner nodes --help says what there is';

const USAGE = `Usage: frontrunner nodes list
       frontrunner nodes figures
       frontrunner nodes drain <node> | undrain <node>
       frontrunner nodes pause <task> | resume <task>
       frontrunner nodes pause --queue <queue> | resume --queue <queue>
       frontrunner nodes cancel [<task>] [--older-than <duration>] [--status <status>] [--node <node>]
       frontrunner nodes retry [<task>] [--older-than <duration>] [--status <status>]

For nodes that share a Postgres. They learn of it within a second or so.

list     shows the nodes: whether they take runs, how many unfinished ones they have, how many slots are free, when they were
         seen, how far their clocks are ahead of the database's, and how long the commit under way has taken (ms).
figures  shows what is before them: unfinished runs, deliveries that are due and how old the oldest is, dead letters, and so on.
drain    lets a node take nothing new: new runs get 503, and /health/ready too. What it has goes on. undrain ends that.
pause    lets no node take new runs of a task, which get 503, nor sub-tasks of it that left their node; or with --queue sub-tasks or
         --queue worker-sub-tasks, no deliveries from that queue. resume ends that.
cancel   asks for the end of unfinished runs: of a task, created so long ago, that are running or set-aside, or that a node executes.
         One of these must be said.
retry    asks for another attempt of all failed sub-tasks of finished runs: of a task, created so long ago, or that are failed or
         partly-failed. One of these must be said.

DATABASE_URL and DATABASE_SCHEMA say which database, and may be set in a file .env.
`;

/** Executes the command. @returns the exit code */
export function manageNodes(args: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(() => manage(args, terminal), terminal, { hint: HINT, mendable: [DatabaseError] });
}

async function manage(args: readonly string[], terminal: Terminal): Promise<undefined> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'older-than': { type: 'string' },
      status: { type: 'string' },
      node: { type: 'string' },
      queue: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { help, ...options } = values;
  const [command, name, ...rest] = positionals;
  if (help) {
    terminal.stdout.write(USAGE);
    return;
  }
  if (command === undefined) throw new UsageError(USAGE.trimEnd());
  const known = COMMANDS[command as Command] as (typeof COMMANDS)[Command] | undefined;
  const given = Object.keys(options);
  const takes = known?.options ?? [];
  const isNamed = name !== undefined || (takes.length > 0 && given.length > 0);
  if (
    !known ||
    rest.length > 0 ||
    isNamed !== known.isNamed ||
    given.some((option) => !takes.includes(option))
  )
    throw new UsageError(`It takes ${Object.keys(COMMANDS).join(', ')}, with what the usage says; ${HINT}`);
  const asked = askedOf(name, options);
  const operations = await ClusterOperations.open(databaseOfNodes(environmentOf(terminal)));
  try {
    await known.does(operations, terminal, asked);
  } finally {
    await operations.close();
  }
}

interface Asked {
  readonly node: string;
  readonly paused: Pausable;
  readonly filter: RunFilter;
}

interface CommandTerms {
  readonly isNamed: boolean;
  readonly options?: readonly string[];
  readonly does: (operations: ClusterOperations, terminal: Terminal, asked: Asked) => Promise<void>;
}

type Command = 'list' | 'figures' | 'drain' | 'undrain' | 'pause' | 'resume' | 'cancel' | 'retry';

const COMMANDS: Readonly<Record<Command, CommandTerms>> = {
  list: { isNamed: false, does: list },
  figures: { isNamed: false, does: figures },
  drain: { isNamed: true, does: (operations, terminal, { node }) => drain(operations, terminal, node, true) },
  undrain: {
    isNamed: true,
    does: (operations, terminal, { node }) => drain(operations, terminal, node, false),
  },
  pause: {
    isNamed: true,
    options: ['queue'],
    async does(operations, { stdout }, { paused }) {
      if (!(await operations.pause(paused))) throw new UsageError(`No node knows the task ${paused.name}`);
      stdout.write(
        paused.kind === 'queue'
          ? `No node takes deliveries from ${paused.name}\n`
          : `No node takes new runs of ${paused.name}\n`,
      );
    },
  },
  resume: {
    isNamed: true,
    options: ['queue'],
    async does(operations, { stdout }, { paused }) {
      if (!(await operations.resume(paused)))
        throw new UsageError(`The ${paused.kind} ${paused.name} is not paused`);
      stdout.write(
        paused.kind === 'queue'
          ? `Nodes take deliveries from ${paused.name} again\n`
          : `Nodes take new runs of ${paused.name} again\n`,
      );
    },
  },
  cancel: {
    isNamed: true,
    options: ['older-than', 'status', 'node'],
    async does(operations, { stdout }, { filter }) {
      expectStatus(filter.status, CANCELLED);
      stdout.write(`${await operations.cancel(filter)} runs are to be cancelled\n`);
    },
  },
  retry: {
    isNamed: true,
    options: ['older-than', 'status'],
    async does(operations, { stdout }, { filter }) {
      expectStatus(filter.status, RETRIED);
      stdout.write(`${await operations.retry(filter)} runs are to be retried\n`);
    },
  },
};

/** @throws {UsageError} */
function askedOf(
  name: string | undefined,
  options: Readonly<Partial<Record<'older-than' | 'status' | 'node' | 'queue', string>>>,
): Asked {
  const { 'older-than': age = '0ms', status, node, queue } = options;
  if (queue !== undefined && name !== undefined) throw new UsageError('It takes a task or --queue, not both');
  if (queue !== undefined && !PAUSABLE_QUEUES.some((known) => known === queue))
    throw new UsageError(`--queue takes ${PAUSABLE_QUEUES.join(' or ')}`);
  return {
    node: name ?? '',
    paused: queue === undefined ? { kind: 'task', name: name ?? '' } : { kind: 'queue', name: queue },
    filter: { task: name, status, node, olderThanMs: olderThan(age) },
  };
}

/** @throws {UsageError} */
function expectStatus(status: string | undefined, known: readonly string[]): void {
  if (status !== undefined && !known.includes(status))
    throw new UsageError(`--status takes ${known.join(' or ')}`);
}

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
  const {
    unfinished,
    waiting,
    setAside,
    deliveries,
    oldestDeliveryMs,
    dead,
    commands,
    commitLagMs,
    paused,
    pausedQueues,
  } = found;
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
        ['the longest commit, in ms', commitLagMs],
        ['paused queues', pausedQueues.join(', ') || 'none'],
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
