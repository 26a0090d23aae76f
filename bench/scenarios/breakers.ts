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
  DEAD,
  type OrderUpstreamCommand,
  type OrderUpstreamLap,
} from '../support/order-upstream-protocol.ts';
import type { Report } from '../support/results.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import {
  DETECTING_RUNS,
  goals,
  MEASURED_RUNS,
  notes,
  resultTable,
  TIMEOUT_MS,
  type BreakersTurn,
  type Part,
} from './breakers-report.ts';
import type { Scenario } from './scenario.ts';

/** Runs started a second. */
const RATE = 50;
/** Slow enough that those which find out have their answers in between. */
const DETECTING_RATE = 10;
/** Until the last answers are in, in milliseconds. */
const TRAIL = 2 * TIMEOUT_MS;

/** The path of the first upstream of each task, and whether its sub-tasks have breakers. */
const TASKS = {
  up: { first: 'middle', breaker: true },
  down: { first: DEAD, breaker: true },
  without: { first: DEAD, breaker: false },
} as const;

export const breakers: Scenario = {
  name: 'breakers',
  summary:
    'what an upstream that is down costs callers, until that is found out, then, and right after a restart',
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
  const turns: BreakersTurn[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    stage.say(`Round ${round}/${options.rounds}`);
    const spec = service(options.service, path.join(directory, `breakers-${round}.db`));
    const start = () =>
      ServerProcess.start(
        stage,
        { ...spec, env: { ...spec.env, TASKS_FILE: tasks } },
        { core: cores.server, timeScale: 0 },
      );
    await upstream.ask({ seed: options.seed + round - 1 });
    const measure = (server: ServerProcess, task: keyof typeof TASKS, runs: number, rate = RATE) =>
      load({ stage, server, generator, upstream }, task, runs, rate);
    const before = await start();
    const started = await measure(before, 'up', MEASURED_RUNS);
    const up = await measure(before, 'up', MEASURED_RUNS);
    const detecting = await measure(before, 'down', DETECTING_RUNS, DETECTING_RATE);
    const down = await measure(before, 'down', MEASURED_RUNS);
    await before.stop();
    const after = await start();
    const restarted = await measure(after, 'down', MEASURED_RUNS);
    const without = await measure(after, 'without', MEASURED_RUNS);
    await after.stop();
    turns.push({ round, started, up, detecting, down, restarted, without });
  }
  await stage.clear();
  return {
    scenario: breakers.name,
    table: resultTable(turns),
    notes: notes(RATE, options.seed, disk),
    goals: goals(turns),
    data: { options: { rate: RATE, rounds: options.rounds, seed: options.seed }, cores, disk, turns },
  };
}

function tasksFile(port: number): string {
  const tasks = Object.entries(TASKS).map(([name, { first, breaker }]) =>
    [
      `  ${name}:`,
      '    losers: cancel',
      '    subTasks:',
      ...[first, 'middle', 'middle'].flatMap((pace, index) => [
        `      - name: upstream-${index}`,
        `        kind: http`,
        `        url: http://127.0.0.1:${port}/${pace}`,
        `        allowPrivate: true`,
        `        timeout: ${TIMEOUT_MS}ms`,
        // All paths have one origin.
        ...(breaker ? [`        breaker: { upstream: ${name}-${index} }`] : []),
        ...(index === 1 ? [`        start: { after: p95, coldStart: 100ms }`] : []),
        ...(index === 2 ? [`        start: after-failure`] : []),
      ]),
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
  rate: number,
): Promise<Part> {
  await upstream.ask({});
  const url = `${server.origin}/tasks/${task}/runs`;
  await generator.start({ kind: 'paced', url, rate, post: true });
  await sleep((runs / rate) * 1000, undefined, { signal });
  const lap = await generator.stop();
  await sleep(TRAIL, undefined, { signal });
  return { lap, requests: (await upstream.ask({})).requests };
}
