import { setTimeout as sleep } from 'node:timers/promises';
import type { Options } from '../options.ts';
import type { ServerSpec } from '../servers/server-spec.ts';
import { bare, fastapi, service } from '../servers/servers.ts';
import { chooseCores } from '../support/cores.ts';
import { Generator } from '../support/generator.ts';
import { cpuMicroseconds } from '../support/process-usage.ts';
import type { Report } from '../support/results.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import type { Scenario } from './scenario.ts';
import { goals, notes, resultTable, type Turn } from './throughput-report.ts';

/** Factor on the demo's sleeps: 1, 5 and 3 milliseconds, so that the machinery is what takes the time. */
const TIME_SCALE = 0.001;

/** Load before the measured part of a turn, while connections open, in milliseconds. */
const LEAD_IN = 250;

/** After a turn, for the background sub-tasks (5 ms) to end before the next server's turn, in milliseconds. */
const LEAD_OUT = 250;

export const throughput: Scenario = {
  name: 'throughput',
  summary: 'requests a second, latency and CPU a request, next to FastAPI and bare node:http',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const python = await fastapi(stage);
  const specs = [service(options.service), ...(python ? [python] : []), bare()];
  const cores = chooseCores(stage);
  const servers: ServerProcess[] = [];
  for (const spec of specs) {
    servers.push(await ServerProcess.start(stage, spec, { core: cores.server, timeScale: TIME_SCALE }));
  }
  const generator = new Generator(stage, cores.generator);

  for (const server of servers) {
    stage.say(`Warming up ${server.spec.name}`);
    await takeTurn(stage, generator, server, options.connections, options.warmUp);
  }
  const rounds: Turn[][] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const turns: Turn[] = [];
    for (const server of servers) {
      const turn = await takeTurn(stage, generator, server, options.connections, options.seconds);
      const rate = Math.round(turn.requestsPerSecond);
      stage.say(`Round ${String(round)}/${String(options.rounds)}: ${server.spec.name} ${String(rate)}/s`);
      turns.push(turn);
    }
    rounds.push(turns);
  }
  await stage.clear();
  return report(options, specs, rounds, cores);
}

async function takeTurn(
  stage: Stage,
  generator: Generator,
  server: ServerProcess,
  connections: number,
  seconds: number,
): Promise<Turn> {
  const { signal } = stage;
  await generator.start({ url: server.url, connections, ramp: 0 });
  await sleep(LEAD_IN, undefined, { signal });
  await generator.lap();
  const cpuBefore = cpuMicroseconds(server.pid);
  await sleep(seconds * 1000, undefined, { signal });
  const cpu = cpuMicroseconds(server.pid) - cpuBefore;
  const lap = await generator.lap();
  await generator.stop();
  await sleep(LEAD_OUT, undefined, { signal });
  return {
    ...lap,
    server: server.spec.key,
    requestsPerSecond: lap.completed / lap.seconds,
    cpuPerRequest: cpu / (lap.completed + lap.non2xx),
    serverShare: cpu / 1e6 / lap.seconds,
  };
}

function report(
  options: Options,
  servers: readonly ServerSpec[],
  rounds: readonly (readonly Turn[])[],
  cores: unknown,
): Report {
  const { rounds: count, seconds, warmUp, connections } = options;
  return {
    scenario: throughput.name,
    table: resultTable(servers, rounds),
    notes: notes(rounds.flat(), connections),
    goals: goals(rounds),
    data: {
      options: { rounds: count, seconds, warmUp, connections, timeScale: TIME_SCALE },
      cores,
      servers: servers.map(({ key, name, about }) => ({ key, name, about })),
      rounds,
    },
  };
}
