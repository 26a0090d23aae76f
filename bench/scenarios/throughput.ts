import path from 'node:path';
import type { Options } from '../options.ts';
import type { ServerSpec } from '../servers/server-spec.ts';
import { bare, fastapi, service, serviceInMemory } from '../servers/servers.ts';
import { chooseCores } from '../support/cores.ts';
import { measureDisk, type Disk } from '../support/disk.ts';
import { Generator } from '../support/generator.ts';
import type { Report } from '../support/results.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import { FAST, takeTurns, type Turn } from '../support/turn.ts';
import type { Scenario } from './scenario.ts';
import { goals, notes, resultTable } from './throughput-report.ts';

export const throughput: Scenario = {
  name: 'throughput',
  summary: 'requests a second, latency, CPU a request and commits, next to FastAPI and bare node:http',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const directory = stage.makeDirectory(options.data);
  const disk = await measureDisk(stage, directory);
  const python = await fastapi(stage);
  const specs = [
    service(options.service, path.join(directory, 'throughput.db')),
    serviceInMemory(options.service),
    ...(python ? [python] : []),
    bare(),
  ];
  const cores = chooseCores(stage);
  const servers: ServerProcess[] = [];
  for (const spec of specs) {
    const probes = spec.key === 'a' ? (['commits'] as const) : [];
    servers.push(await ServerProcess.start(stage, spec, { core: cores.server, timeScale: FAST, probes }));
  }
  const rounds = await takeTurns(stage, new Generator(stage, cores.generator), servers, options);
  await stage.clear();
  return report(options, specs, rounds, { cores, disk });
}

function report(
  { rounds: count, seconds, warmUp, connections }: Options,
  servers: readonly ServerSpec[],
  rounds: readonly (readonly Turn[])[],
  { cores, disk }: { readonly cores: unknown; readonly disk: Disk },
): Report {
  return {
    scenario: throughput.name,
    table: resultTable(servers, rounds),
    notes: notes(rounds.flat(), connections, disk),
    goals: goals(rounds),
    data: {
      options: { rounds: count, seconds, warmUp, connections, timeScale: FAST },
      cores,
      disk,
      servers: servers.map(({ key, name, about }) => ({ key, name, about })),
      rounds,
    },
  };
}
