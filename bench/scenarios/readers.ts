import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Options } from '../options.ts';
import { service } from '../servers/servers.ts';
import { Companion } from '../support/companion.ts';
import { chooseCores } from '../support/cores.ts';
import { measureDisk } from '../support/disk.ts';
import { Generator } from '../support/generator.ts';
import { cpuMicroseconds } from '../support/process-usage.ts';
import type { ReadersCommand, ReadersLap, Watch } from '../support/readers-protocol.ts';
import type { Report } from '../support/results.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import { goals, notes, resultTable, type ReadersTurn } from './readers-report.ts';
import type { Scenario } from './scenario.ts';

/** How many readers at a time. */
const READERS = 1000;

/** Until as many sub-tasks end as begin: the longest takes 5 s; ms. */
const SETTLE = 6000;

/** Between the coming or going of the readers and what is measured; ms. */
const PAUSE = 2000;

/** Each is followed by a turn without readers. */
const WATCHES: readonly Watch[] = ['ends', 'runs', 'everything'];

export const readers: Scenario = {
  name: 'readers',
  summary: `what ${READERS} readers of event streams cost those who start runs`,
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const directory = stage.makeDirectory(options.data);
  const disk = await measureDisk(stage, directory);
  const cores = chooseCores(stage);
  const generator = new Generator(stage, cores.generator);
  const crowd = new Companion<ReadersCommand, ReadersLap>(
    stage,
    new URL('../support/readers-process.ts', import.meta.url),
    cores.generator,
  );
  const server = await ServerProcess.start(
    stage,
    service(options.service, path.join(directory, 'readers.db')),
    { core: cores.server, timeScale: 1, probes: ['loop-delay'] },
  );
  stage.say(`${options.rate} runs/s, ${SETTLE / 1000} s until as many end as begin`);
  await generator.start({ kind: 'paced', url: server.url, rate: options.rate });
  await sleep(SETTLE, undefined, { signal: stage.signal });
  const turns: ReadersTurn[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const watch of WATCHES) {
      for (const turn of ['none', watch] as const) {
        stage.say(`Round ${round}/${options.rounds}: ${turn}`);
        turns.push({
          round,
          pair: watch,
          watch: turn,
          ...(await measure(stage, { generator, crowd, server }, turn, options)),
        });
      }
    }
  }
  await generator.stop();
  await stage.clear();
  return {
    scenario: readers.name,
    table: resultTable(turns, WATCHES),
    notes: notes(READERS, options.rate, disk),
    goals: goals(turns),
    data: { options: { rate: options.rate, seconds: options.seconds, readers: READERS }, cores, disk, turns },
  };
}

interface Parts {
  readonly generator: Generator;
  readonly crowd: Companion<ReadersCommand, ReadersLap>;
  readonly server: ServerProcess;
}

async function measure(
  { signal }: Stage,
  { generator, crowd, server }: Parts,
  watch: Watch | 'none',
  { seconds }: Options,
): Promise<Pick<ReadersTurn, 'lap' | 'seen' | 'delay' | 'serverShare'>> {
  if (watch !== 'none') await crowd.ask({ kind: 'open', url: server.origin, watch, count: READERS });
  await sleep(PAUSE, undefined, { signal });
  await generator.lap();
  await crowd.ask({ kind: 'lap' });
  await server.ask('loop-delay');
  const cpu = cpuMicroseconds(server.pid);
  await sleep(seconds * 1000, undefined, { signal });
  const lap = await generator.lap();
  const serverShare = (cpuMicroseconds(server.pid) - cpu) / 1e6 / lap.seconds;
  const delay = await server.ask('loop-delay');
  const seen = await crowd.ask({ kind: 'close' });
  return { lap, seen, delay: delay?.p99 ?? NaN, serverShare };
}
