import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Options } from '../options.ts';
import type { LoopDelay } from '../probes/answer.ts';
import type { ServerSpec } from '../servers/server-spec.ts';
import { service, serviceInMemory } from '../servers/servers.ts';
import { chooseCores, type Cores } from '../support/cores.ts';
import { measureDisk } from '../support/disk.ts';
import { Generator } from '../support/generator.ts';
import { cpuMicroseconds } from '../support/process-usage.ts';
import type { Report } from '../support/results.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import { goals, notes, resultTable, type Measured, type Part } from './loop-delay-report.ts';
import type { Scenario } from './scenario.ts';

/** Until as many sub-tasks end as begin, or all have ended: the longest takes 5 s; ms. */
const SETTLE = 6000;

/** How long the loop is watched while it has nothing to do: what the machine itself delays it; ms. */
const IDLE = 3000;

/** The steady load is measured in parts, which tell how far the figures spread. */
const PARTS = 5;

export const loopDelay: Scenario = {
  name: 'loop-delay',
  summary: 'how late the event loop is while a steady number of runs a second is journaled',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const directory = stage.makeDirectory(options.data);
  const disk = await measureDisk(stage, directory);
  const specs = [
    service(options.service, path.join(directory, 'loop-delay.db')),
    serviceInMemory(options.service),
  ];
  const cores = chooseCores(stage);
  const generator = new Generator(stage, cores.generator);
  const measured: Measured[] = [];
  for (const spec of specs) measured.push(await measure(stage, generator, spec, cores, options));
  await stage.clear();
  return {
    scenario: loopDelay.name,
    table: resultTable(measured),
    notes: notes(disk),
    goals: goals(measured, options.rate),
    data: {
      options: { rate: options.rate, duration: options.duration, idle: IDLE, settle: SETTLE },
      cores,
      disk,
      servers: measured.map(({ spec: { key, name, about }, ...figures }) => ({
        key,
        name,
        about,
        ...figures,
      })),
    },
  };
}

async function measure(
  stage: Stage,
  generator: Generator,
  spec: ServerSpec,
  cores: Cores,
  { rate, duration }: Options,
): Promise<Measured> {
  const { signal } = stage;
  const server = await ServerProcess.start(stage, spec, {
    core: cores.server,
    timeScale: 1,
    probes: ['loop-delay', 'commits'],
  });
  stage.say(`${spec.name}: ${SETTLE / 1000} s until it is idle, then ${IDLE / 1000} s to watch it so`);
  await sleep(SETTLE, undefined, { signal });
  await delayOf(server);
  await sleep(IDLE, undefined, { signal });
  const idle = await delayOf(server);

  stage.say(`${spec.name}: ${rate} runs/s, ${SETTLE / 1000} s until as many end as begin`);
  await generator.start({ kind: 'paced', url: server.url, rate });
  await sleep(SETTLE, undefined, { signal });
  stage.say(`${spec.name}: measuring ${duration} s`);
  const early = await generator.lap();
  await delayOf(server);
  const parts: Part[] = [];
  for (let part = 0; part < PARTS; part++) {
    const commits = (await server.ask('commits')) ?? NaN;
    const cpu = cpuMicroseconds(server.pid);
    await sleep((duration / PARTS) * 1000, undefined, { signal });
    const delay = await delayOf(server);
    const lap = await generator.lap();
    parts.push({
      delay,
      lap,
      commitsPerSecond: (((await server.ask('commits')) ?? NaN) - commits) / lap.seconds,
      serverShare: (cpuMicroseconds(server.pid) - cpu) / 1e6 / lap.seconds,
    });
  }
  await generator.stop();
  await server.stop();
  return { spec, idle, early, parts };
}

async function delayOf(server: ServerProcess): Promise<LoopDelay> {
  const delay = await server.ask('loop-delay');
  if (!delay) throw new Error(`${server.spec.name} has no probe for the delay of its event loop.`);
  return delay;
}
