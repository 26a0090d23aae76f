import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Options } from '../options.ts';
import { service } from '../servers/servers.ts';
import { Companion } from '../support/companion.ts';
import { chooseCores } from '../support/cores.ts';
import { measureDisk } from '../support/disk.ts';
import { Generator } from '../support/generator.ts';
import {
  PACES,
  type OrderUpstreamCommand,
  type OrderUpstreamLap,
  type Pace,
} from '../support/order-upstream-protocol.ts';
import type { Report } from '../support/results.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import {
  goals,
  LEARNING_RUNS,
  MEASURED_RUNS,
  notes,
  resultTable,
  type OrderTurn,
  type Part,
} from './order-report.ts';
import type { Scenario } from './scenario.ts';

/** Runs started a second. */
const RATE = 50;
/** Until the last answers are in, in milliseconds. */
const TRAIL = 500;

/** The sub-tasks of each task, in the order in which it declares them. */
const TASKS: Readonly<Record<string, readonly Pace[]>> = {
  learned: ['worst', 'middle', 'best'],
  declared: ['worst', 'middle', 'best'],
  best: ['best'],
};

export const order: Scenario = {
  name: 'order',
  summary:
    'how soon a learned order makes good for one that is declared the worst way round, and what that costs',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const directory = stage.makeDirectory(options.data);
  const disk = await measureDisk(stage, directory);
  const cores = chooseCores(stage);
  const upstream = new Companion<OrderUpstreamCommand, OrderUpstreamLap>(
    stage,
    new URL('../support/order-upstream-process.ts', import.meta.url),
    cores.generator,
  );
  const { port } = await upstream.ask({});
  const tasks = path.join(directory, 'tasks.yaml');
  writeFileSync(tasks, tasksFile(port));
  const generator = new Generator(stage, cores.generator);
  const turns: OrderTurn[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    stage.say(`Round ${round}/${options.rounds}`);
    const spec = service(options.service, path.join(directory, `order-${round}.db`));
    const start = () =>
      ServerProcess.start(
        stage,
        { ...spec, env: { ...spec.env, TASKS_FILE: tasks } },
        { core: cores.server, timeScale: 0 },
      );
    await upstream.ask({ seed: options.seed + round - 1 });
    const measure = (server: ServerProcess, task: string, runs: number) =>
      load({ stage, server, generator, upstream }, task, runs);
    const before = await start();
    const learning = await measure(before, 'learned', LEARNING_RUNS);
    const learned = await measure(before, 'learned', MEASURED_RUNS);
    const best = await measure(before, 'best', MEASURED_RUNS);
    const declared = await measure(before, 'declared', MEASURED_RUNS);
    await before.stop();
    const after = await start();
    const restarted = await measure(after, 'learned', LEARNING_RUNS);
    await after.stop();
    turns.push({ round, learning, learned, best, declared, restarted });
  }
  await stage.clear();
  return {
    scenario: order.name,
    table: resultTable(turns),
    notes: notes(RATE, options.seed, disk),
    goals: goals(turns),
    data: { options: { rate: RATE, rounds: options.rounds, seed: options.seed }, cores, disk, turns },
  };
}

function tasksFile(port: number): string {
  const subTask = (pace: Pace, index: number) =>
    [
      `      - name: ${pace}`,
      `        kind: http`,
      `        url: http://127.0.0.1:${port}/${pace}`,
      `        allowPrivate: true`,
      ...['', `        start: { after: p95, coldStart: ${PACES.worst}ms }`, `        start: after-failure`]
        .slice(index, index + 1)
        .filter((line) => line !== ''),
    ].join('\n');
  const tasks = Object.entries(TASKS).map(([name, paces]) =>
    [
      `  ${name}:`,
      '    losers: cancel',
      ...(name === 'learned' ? ['    order: learned'] : []),
      '    subTasks:',
      ...paces.map(subTask),
    ].join('\n'),
  );
  return `tasks:\n${tasks.join('\n')}\n`;
}

interface Parts {
  readonly stage: Stage;
  readonly server: ServerProcess;
  readonly generator: Generator;
  readonly upstream: Companion<OrderUpstreamCommand, OrderUpstreamLap>;
}

async function load(
  { stage: { signal }, server, generator, upstream }: Parts,
  task: string,
  runs: number,
): Promise<Part> {
  await upstream.ask({});
  const before = await runsOf(server, task);
  await generator.start({
    kind: 'paced',
    url: `${server.origin}/tasks/${task}/runs`,
    rate: RATE,
    post: true,
  });
  await sleep((runs / RATE) * 1000, undefined, { signal });
  const lap = await generator.stop();
  await sleep(TRAIL, undefined, { signal });
  return { lap, upstream: await upstream.ask({}), runs: (await runsOf(server, task)) - before };
}

/** How many runs of a task were started, those included of which the load has not waited for the answer. */
async function runsOf({ origin }: ServerProcess, task: string): Promise<number> {
  const response = await fetch(`${origin}/tasks/${task}/stats`);
  const { runs } = (await response.json()) as { readonly runs: number };
  return runs;
}
