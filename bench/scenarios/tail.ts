import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Options } from '../options.ts';
import { service } from '../servers/servers.ts';
import { Companion } from '../support/companion.ts';
import { chooseCores } from '../support/cores.ts';
import { measureDisk } from '../support/disk.ts';
import { Generator } from '../support/generator.ts';
import { cpuMicroseconds } from '../support/process-usage.ts';
import type { Report } from '../support/results.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import type { UpstreamLap } from '../support/upstream-protocol.ts';
import type { Scenario } from './scenario.ts';
import { goals, notes, resultTable, VARIANTS, type TailTurn, type Variant } from './tail-report.ts';

/** Runs started a second: few enough that queues in the service are no part of the tail. */
const RATE = 200;

/** Before a turn's measured part, and after its load has stopped, until the slowest answers are in; ms. */
const LEAD = 1500;

const STARTS: Readonly<Record<Variant, string | undefined>> = {
  none: undefined,
  fixed: '{ after: 20ms }',
  p95: '{ after: p95, coldStart: 20ms }',
};

export const tail: Scenario = {
  name: 'tail',
  summary:
    'what hedging cuts off the tail of an upstream of which one answer in a hundred is slow, and what it costs',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const directory = stage.makeDirectory(options.data);
  const disk = await measureDisk(stage, directory);
  const cores = chooseCores(stage);
  const upstream = new Companion<object, UpstreamLap>(
    stage,
    new URL('../support/upstream-process.ts', import.meta.url),
    cores.generator,
  );
  const { port } = await upstream.ask({});
  const tasks = path.join(directory, 'tasks.yaml');
  writeFileSync(tasks, tasksFile(port));
  const spec = service(options.service, path.join(directory, 'tail.db'));
  const server = await ServerProcess.start(
    stage,
    { ...spec, env: { ...spec.env, TASKS_FILE: tasks } },
    { core: cores.server, timeScale: 0 },
  );
  const generator = new Generator(stage, cores.generator);
  const parts = { stage, server, generator, upstream };
  for (const variant of VARIANTS) {
    stage.say(`Warming up: ${variant}`);
    await measure(parts, variant, options.warmUp);
  }
  const turns: TailTurn[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const variant of VARIANTS) {
      stage.say(`Round ${round}/${options.rounds}: ${variant}`);
      turns.push({ round, variant, ...(await measure(parts, variant, options.duration)) });
    }
  }
  await stage.clear();
  return {
    scenario: tail.name,
    table: resultTable(turns),
    notes: notes(RATE, disk),
    goals: goals(turns),
    data: { options: { rate: RATE, rounds: options.rounds, duration: options.duration }, cores, disk, turns },
  };
}

function tasksFile(port: number): string {
  const subTask = (name: string, start?: string) =>
    [
      `      - name: ${name}`,
      `        kind: http`,
      `        url: http://127.0.0.1:${port}/tail`,
      `        allowPrivate: true`,
      ...(start === undefined ? [] : [`        start: ${start}`]),
    ].join('\n');
  const tasks = VARIANTS.map((variant) => {
    const start = STARTS[variant];
    const hedge = start === undefined ? [] : [subTask('second', start)];
    return [`  ${variant}:`, '    losers: cancel', '    subTasks:', subTask('first'), ...hedge].join('\n');
  });
  return `tasks:\n${tasks.join('\n')}\n`;
}

interface Parts {
  readonly stage: Stage;
  readonly server: ServerProcess;
  readonly generator: Generator;
  readonly upstream: Companion<object, UpstreamLap>;
}

async function measure(
  { stage: { signal }, server, generator, upstream }: Parts,
  variant: Variant,
  seconds: number,
): Promise<Pick<TailTurn, 'lap' | 'upstream' | 'cpuPerRun'>> {
  const url = `${server.origin}/tasks/${variant}/runs`;
  await generator.start({ kind: 'paced', url, rate: RATE, post: true });
  await sleep(LEAD, undefined, { signal });
  await generator.lap();
  await upstream.ask({});
  const cpu = cpuMicroseconds(server.pid);
  await sleep(seconds * 1000, undefined, { signal });
  const lap = await generator.lap();
  const asked = await upstream.ask({});
  const cpuPerRun = (cpuMicroseconds(server.pid) - cpu) / lap.completed;
  await generator.stop();
  await sleep(LEAD, undefined, { signal });
  return { lap, upstream: asked, cpuPerRun };
}
