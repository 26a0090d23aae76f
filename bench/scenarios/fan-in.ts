import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Options } from '../options.ts';
import type { ServerSpec } from '../servers/server-spec.ts';
import { bare, fastapi, service, serviceInMemory } from '../servers/servers.ts';
import { chooseCores, type Cores } from '../support/cores.ts';
import { Generator } from '../support/generator.ts';
import type { Lap } from '../support/generator-protocol.ts';
import { cpuMicroseconds, openFileLimit, residentBytes } from '../support/process-usage.ts';
import type { Report } from '../support/results.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import { summarize } from '../support/statistics.ts';
import { goals, notes, resultTable, type Measured } from './fan-in-report.ts';
import type { Scenario } from './scenario.ts';

/** All at once, the connections would queue for their own opening and stay in step for ever; milliseconds. */
const RAMP = 1000;

/** Until as many background sub-tasks end as begin, or all have ended: the longest takes 5 s; ms. */
const SETTLE = 6000;

/** Milliseconds between two looks at the resident memory. */
const MEMORY_INTERVAL = 500;

/** Files and sockets that a server needs besides its callers. */
const SPARE_FILES = 100;

export const fanIn: Scenario = {
  name: 'fan-in',
  summary: 'thousands of callers at a time, at the real 1, 5 and 3 seconds: overhead, errors, memory',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  refuseFewFiles(options.callers);
  const database = path.join(stage.makeDirectory(options.data), 'fan-in.db');
  const others = options.allServers ? [serviceInMemory(options.service), await fastapi(stage), bare()] : [];
  const specs = [service(options.service, database), ...others].filter((spec) => spec !== undefined);
  const cores = chooseCores(stage);
  const generator = new Generator(stage, cores.generator);
  const measured: Measured[] = [];
  for (const spec of specs) measured.push(await measure(stage, generator, spec, cores, options));
  await stage.clear();
  return {
    scenario: fanIn.name,
    table: resultTable(measured),
    notes: notes(measured, RAMP),
    goals: goals(measured),
    data: {
      options: { callers: options.callers, duration: options.duration, ramp: RAMP, settle: SETTLE },
      cores,
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
  { callers, duration }: Options,
): Promise<Measured> {
  const { signal } = stage;
  const server = await ServerProcess.start(stage, spec, {
    core: cores.server,
    timeScale: 1,
    probes: ['heap'],
  });
  const idleHeap = await server.ask('heap');
  // Gone by then: what the one request of the start has left running.
  await sleep(SETTLE, undefined, { signal });
  const idleResident = residentBytes(server.pid);

  stage.say(`${spec.name}: opening ${String(callers)} connections over ${String(RAMP / 1000)} s`);
  const early = [
    await generator.start({ kind: 'callers', url: server.url, connections: callers, ramp: RAMP }),
  ];
  stage.say(`${spec.name}: ${String(SETTLE / 1000)} s until the background is full`);
  await sleep(SETTLE, undefined, { signal });
  early.push(await generator.lap());
  stage.say(`${spec.name}: measuring ${String(duration)} s`);
  const cpuBefore = cpuMicroseconds(server.pid);
  const resident = await watchResident(server.pid, duration * 1000, signal);
  const cpu = cpuMicroseconds(server.pid) - cpuBefore;
  const lap = withEarlyFaults(await generator.lap(), early);
  const heap = await server.ask('heap');
  await generator.stop();
  stage.say(`${spec.name}: ${String(SETTLE / 1000)} s until the background is empty`);
  await sleep(SETTLE, undefined, { signal });
  const drainedHeap = await server.ask('heap');
  await server.stop();
  const serverShare = cpu / 1e6 / lap.seconds;
  return { spec, callers, lap, serverShare, idleResident, resident, idleHeap, heap, drainedHeap };
}

/** The median resident memory over that many milliseconds, in bytes. */
async function watchResident(pid: number, milliseconds: number, signal: AbortSignal): Promise<number> {
  const seen: number[] = [];
  const end = performance.now() + milliseconds;
  do {
    await sleep(Math.min(MEMORY_INTERVAL, Math.max(1, end - performance.now())), undefined, { signal });
    seen.push(residentBytes(pid));
  } while (performance.now() < end);
  return summarize(seen).median;
}

/** The figures of the steady load, with what went wrong before it added. */
function withEarlyFaults(lap: Lap, early: readonly Lap[]): Lap {
  const sum = (of: (lap: Lap) => number) => [lap, ...early].reduce((total, each) => total + of(each), 0);
  return {
    ...lap,
    non2xx: sum((each) => each.non2xx),
    otherWinners: sum((each) => each.otherWinners),
    wrongBodies: sum((each) => each.wrongBodies),
    errors: sum((each) => each.errors),
  };
}

function refuseFewFiles(callers: number): void {
  const limit = openFileLimit();
  if (limit >= callers + SPARE_FILES) return;
  throw new Error(
    `${String(callers)} callers need ${String(callers + SPARE_FILES)} open files a process, but the limit is ` +
      `${String(limit)}: raise it (ulimit -n 8192), or ask for fewer (--callers).`,
  );
}
