import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Options } from '../options.ts';
import type { ServerSpec } from '../servers/server-spec.ts';
import { serviceInMemory } from '../servers/servers.ts';
import { chooseCores } from '../support/cores.ts';
import { Generator } from '../support/generator.ts';
import type { Report } from '../support/results.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import { ratios, summarize } from '../support/statistics.ts';
import { figure } from '../support/table.ts';
import { FAST, takeTurns, type Turn } from '../support/turn.ts';
import type { Scenario } from './scenario.ts';

/** How much of the CPU of a request all of it may cost. */
const MOST = 1.08;
/** How often each server is scraped. */
const SCRAPE_MS = 5_000;

export const telemetry: Scenario = {
  name: 'telemetry',
  summary: 'CPU a request with metrics, and with metrics and traces, next to none',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const { rounds, seconds, warmUp, connections } = options;
  const collector = await startCollector();
  const { port } = collector.address() as AddressInfo;
  const off = serviceInMemory(options.service);
  const to = `http://127.0.0.1:${String(port)}`;
  const withEnv = (env: ServerSpec['env']): ServerSpec => ({ ...off, env: { ...off.env, ...env } });
  const specs: readonly ServerSpec[] = [
    { ...off, name: 'off' },
    { ...off, key: 's', name: 'metrics, scraped' },
    {
      ...withEnv({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${to}/v1/traces` }),
      key: 't',
      name: 'metrics, scraped, and traces',
    },
    {
      ...withEnv({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${to}/v1/metrics` }),
      key: 'o',
      name: 'metrics, exported',
    },
  ];
  const cores = chooseCores(stage);
  const servers: ServerProcess[] = [];
  for (const spec of specs)
    servers.push(await ServerProcess.start(stage, spec, { core: cores.server, timeScale: FAST, probes: [] }));
  const scraped = servers.filter(({ spec }) => spec.key === 's' || spec.key === 't');
  const scrape = () => Promise.all(scraped.map(({ url }) => fetch(new URL('/metrics', url))));
  await scrape();
  const scrapes = setInterval(() => void scrape().catch(() => undefined), SCRAPE_MS);
  const turns = await takeTurns(stage, new Generator(stage, cores.generator), servers, options);
  clearInterval(scrapes);
  await stage.clear();
  collector.close();
  return {
    scenario: telemetry.name,
    ...tableOf(specs, turns),
    notes: [
      `${String(connections)} callers, turns alternating, the journal in memory; the ratio is that of the CPU of a request, round by round.`,
      'Every trace is sampled. What is exported goes by OTLP to a collector in the process of the bench.',
    ],
    data: { options: { rounds, seconds, warmUp, connections, timeScale: FAST }, cores, rounds: turns },
  };
}

async function startCollector(): Promise<Server> {
  const collector = createServer((request, response) => {
    request
      .resume()
      .once('end', () => response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end());
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  return collector;
}

function tableOf(
  specs: readonly ServerSpec[],
  rounds: readonly (readonly Turn[])[],
): Pick<Report, 'table' | 'goals'> {
  const turnsOf = (key: string) => rounds.flat().filter(({ server }) => server === key);
  const cpuOf = (key: string) => turnsOf(key).map(({ cpuPerRequest }) => cpuPerRequest);
  const off = cpuOf('m');
  const ratio = (key: string): number => ratios(cpuOf(key), off).median;
  return {
    table: {
      head: ['', 'requests/s', 'CPU µs/request', 'ratio'],
      rows: specs.map(({ key, name }) => [
        name,
        figure(summarize(turnsOf(key).map(({ requestsPerSecond }) => requestsPerSecond)).median),
        figure(summarize(cpuOf(key)).median, 1),
        figure(ratio(key), 3),
      ]),
    },
    goals: [
      {
        goal: 'all telemetry costs at most 8 % of the CPU of a request',
        measured: `${figure((ratio('t') - 1) * 100, 1)} %`,
        reached: ratio('t') <= MOST,
      },
    ],
  };
}
