/** `npm run demo:cluster`: several nodes on one Postgres, of which one dies in the middle of its work. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedPostgres } from '../../test/support/embedded-postgres.ts';
import { account } from './account.ts';
import { Callers } from './callers.ts';
import { DemoNode } from './demo-node.ts';
import { readOptions, USAGE, type Options } from './options.ts';
import { Story } from './story.ts';
import { fateTable } from './table.ts';
import { untilUnderWay } from './under-way.ts';

const { DEMO_TIME_SCALE = '1', NODE_TIMEOUT = '2s' } = process.env;
/** How long a second of the demo task is, in milliseconds. */
const SECOND = 1000 * Number(DEMO_TIME_SCALE);
/** How long callers come, in seconds of the task. */
const LOAD = 3;
/** When one node dies at the earliest: by then it has answered some, and others wait. */
const KILL = 2;
/** A run so young has as long again to go. */
const YOUNG = 2.5;

const stop = new AbortController();
const { signal } = stop;
const story = new Story(signal);
const nodes: DemoNode[] = [];
let postgres: Promise<EmbeddedPostgres> | undefined;

async function main({ nodes: count, runs, keep }: Options): Promise<void> {
  story.tell('Starting Postgres (embedded, on a port of its own; it goes with the demo)');
  postgres = EmbeddedPostgres.start();
  const { url, pid } = await postgres;
  await startNodes(count, url, pid);
  const callers = new Callers(nodes, signal);
  const asking = callers.ask(runs, LOAD * SECOND);
  story.tell([
    `${plural(runs, 'caller')} within ${taskSeconds(LOAD)} start the demo task, at ${names(nodes)} in turn:`,
    `first takes ${taskSeconds(1)} and is the answer; third (${taskSeconds(3)}) and second (${taskSeconds(5)}) go on in the background`,
  ]);
  const [killed] = await Promise.all([killOne(callers), asking]);
  story.tell('Every caller has its answer; what goes on in the background is waited for');
  const { fates, accepted, finished, lost } = await account(callers.calls, nodes, killed, signal);
  story.tell('Every run has ended');
  story.show(fateTable(fates, killed.node.name));
  story.show(
    'attempts: of first, second and third. What a node had begun when it died is begun again elsewhere.',
    'dim',
  );
  const verdict = `${plural(accepted, 'run')} accepted, ${String(finished)} finished, ${String(lost)} lost`;
  const isGood = lost === 0 && accepted === runs;
  story.show(verdict, isGood ? ['bold', 'green'] : ['bold', 'red']);
  process.exitCode = isGood ? 0 : 1;
  if (keep) await keepOn();
}

async function startNodes(count: number, databaseUrl: string, postgresPid = 0): Promise<void> {
  const env = { DATABASE_URL: databaseUrl, NODE_TIMEOUT, DEMO_TIME_SCALE };
  story.tell([
    `Postgres runs (pid ${String(postgresPid)}). Starting ${String(count)} nodes that share it, each as`,
    `DATABASE_URL=postgres://… NODE_TIMEOUT=${NODE_TIMEOUT} PORT=0 node dist/main.js`,
  ]);
  signal.throwIfAborted();
  for (const name of 'ABCDEFGHI'.slice(0, count)) nodes.push(new DemoNode({ name, env, tell: hear }));
  for (const node of nodes) await node.listening;
  const url = nodes[0]?.url ?? '';
  story.tell([
    ...nodes.map((node) => `${node.name}  ${node.url}  pid ${String(node.pid)}`),
    `Look on meanwhile: ${url}/docs to read and to try, ${url}/runs for all runs of all nodes`,
  ]);
}

/** Kills the last node in the middle of its work, as the first one shows it. */
async function killOne({ calls }: Callers): Promise<{ node: DemoNode; at: number }> {
  const [witness, node] = [nodes[0], nodes.at(-1)];
  if (!witness || !node) throw new Error('There are no nodes');
  await delay(KILL * SECOND, undefined, { signal });
  await untilUnderWay({ node, witness, calls, youngMs: YOUNG * SECOND, signal });
  const waiting = calls.filter((call) => call.node === node && !call.answer).length;
  const answered = calls.filter(({ answer }) => answer?.acceptedBy === node).length;
  story.tell(
    [
      `kill -9 ${String(node.pid)}: ${node.name} is gone, in the middle of ${plural(waiting + answered, 'run')}. Of their callers,`,
      `${String(waiting)} waited for the answer, and ask the next node with their Idempotency-Key; ${String(answered)} had it`,
    ],
    ['bold', 'red'],
  );
  const at = Date.now();
  await node.kill();
  return { node, at };
}

/** Tells what nodes say of each other. */
function hear(node: DemoNode, message: string): void {
  const [, silentMs] = /^The node \S+ was not seen for (\d+) ms/.exec(message) ?? [];
  if (silentMs !== undefined) story.tell(`${node.name} has noticed: a node was not seen for ${silentMs} ms`);
  const [, count] = /^Took over (\d+) unfinished runs/.exec(message) ?? [];
  if (count !== undefined)
    story.tell(
      `${node.name} takes over ${plural(Number(count), 'run')}; their sub-tasks go to whichever node is free`,
      'bold',
    );
}

async function keepOn(): Promise<void> {
  const [node] = nodes.filter(({ alive }) => alive);
  story.show([`The others go on until Ctrl+C: curl -i ${node?.url ?? ''}/run-tasks, or kill one of them`]);
  await once(signal, 'abort');
}

/** There is nothing to keep: the database goes as well. */
async function end(): Promise<void> {
  await Promise.all(nodes.map((node) => node.kill()));
  await (await postgres?.catch(() => undefined))?.stop();
}

function taskSeconds(count: number): string {
  return `${String((count * SECOND) / 1000)} s`;
}

function plural(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}

function names(some: readonly DemoNode[]): string {
  return some.map(({ name }) => name).join(', ');
}

/** npm passes SIGTERM to its shell alone, which dies of it without a word: under npm, the end of the parent is the signal. */
function stopWithNpm(): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) stop.abort();
  }, 500).unref();
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort());
stopWithNpm();
try {
  const options = readOptions(process.argv.slice(2));
  if (options) await Promise.race([main(options), once(signal, 'abort')]);
  else process.stdout.write(USAGE);
} catch (error) {
  if (!signal.aborted) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
await end();
// As shells count an end by Ctrl+C, unless the verdict was out.
if (signal.aborted) process.exitCode ??= 130;
process.exit();
