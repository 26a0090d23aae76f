import { statSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Options } from '../options.ts';
import type { ServerSpec } from '../servers/server-spec.ts';
import { service } from '../servers/servers.ts';
import { chooseCores } from '../support/cores.ts';
import { dropFromMemory, measureDisk, readIntoMemory, refuseFullDisk } from '../support/disk.ts';
import { Generator } from '../support/generator.ts';
import { newDatabase, plant } from '../support/planting.ts';
import type { Report } from '../support/results.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import { figure } from '../support/table.ts';
import { FAST, takeTurns } from '../support/turn.ts';
import {
  describe,
  goals,
  notes,
  resultTable,
  type Conditions,
  type Measured,
  type Reading,
  type Starts,
} from './store-report.ts';
import type { Scenario } from './scenario.ts';

/** Over how long the stored runs are spread: less than they are kept for, so that none is deleted meanwhile; ms. */
const SPAN = 7 * 24 * 60 * 60 * 1000;

/** More than a stored run takes, and what else there must be room for; bytes. */
const ROOM_A_RUN = 2500;
const SPARE_ROOM = 2 ** 30;

/** How many of the stored runs are asked for, at random. */
const SAMPLE = 50_000;

/** Load before the measured part of a reading, in milliseconds. */
const LEAD_IN = 500;

/** Runs a second that are written while others are read. */
const WRITES = 300;

/** How many callers read, how many runs a second are written, whether the system has the file in memory. */
const CONDITIONS: readonly Conditions[] = [
  { callers: 1, writes: 0, cold: true },
  { callers: 1, writes: 0, cold: false },
  { callers: 16, writes: 0, cold: false },
  { callers: 1, writes: WRITES, cold: false },
  { callers: 16, writes: WRITES, cold: false },
];

export const store: Scenario = {
  name: 'store',
  summary: 'start, reads, writes and bytes on disk with a million runs stored',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const directory = stage.makeDirectory(options.data);
  await refuseFullDisk(directory, options.runs * ROOM_A_RUN + SPARE_ROOM);
  const disk = await measureDisk(stage, directory);
  const files = { full: path.join(directory, 'full.db'), empty: path.join(directory, 'empty.db') };
  const full = service(options.service, files.full);
  const empty: ServerSpec = {
    ...service(options.service, files.empty),
    key: 'e',
    name: 'Frontrunner, empty store',
  };
  const cores = chooseCores(stage);
  await newDatabase(stage, empty);
  await newDatabase(stage, full);
  stage.say(`Storing ${figure(options.runs)} finished runs`);
  await plant(stage, files.full, { runs: options.runs, finished: true, spanMs: SPAN });
  const stored = { bytes: statSync(files.full).size, runs: countRuns(files.full) };

  const starts = await measureStarts(stage, { full, empty }, files.full, cores.server, options.starts);
  const onCore = { core: cores.server, timeScale: FAST };
  const servers = {
    full: await ServerProcess.start(stage, full, onCore),
    empty: await ServerProcess.start(stage, empty, onCore),
  };
  const generator = new Generator(stage, cores.generator);
  const writer = new Generator(stage, cores.generator);
  const stores = (['full', 'empty'] as const).map((which) => ({
    file: files[which],
    server: servers[which],
    runIds: sampleRuns(files[which]),
  }));
  const readings = await measureReads(stage, stores, { generator, writer }, options);
  const rounds = await takeTurns(stage, generator, Object.values(servers), options);
  for (const server of Object.values(servers)) await server.stop();
  const written = { bytes: statSync(files.empty).size, runs: countRuns(files.empty) };
  await stage.clear();

  const measured: Measured = { starts, readings, rounds, stored, written };
  const { seconds, warmUp, rounds: count, connections, runs } = options;
  return {
    scenario: store.name,
    table: resultTable(measured),
    notes: notes(measured, connections, disk),
    goals: goals(measured),
    data: {
      options: { runs, starts: options.starts, rounds: count, seconds, warmUp, connections, writes: WRITES },
      cores,
      disk,
      servers: [full, empty].map(({ key, name, about }) => ({ key, name, about })),
      ...measured,
    },
  };
}

/** Starts on both databases in turns, and some on the full one when the system has nothing of it in memory. */
async function measureStarts(
  stage: Stage,
  { full, empty }: { readonly full: ServerSpec; readonly empty: ServerSpec },
  fullFile: string,
  core: number | undefined,
  count: number,
): Promise<Starts> {
  const start = async (spec: ServerSpec): Promise<number> => {
    const server = await ServerProcess.start(stage, spec, { core, timeScale: FAST, tryOut: false });
    const { afterMs } = server.ready;
    await server.stop();
    return afterMs;
  };
  const starts = { full: [] as number[], empty: [] as number[], cold: [] as number[] };
  for (let round = 1; round <= count; round++) {
    stage.say(`Starting on each store, ${round}/${count}`);
    starts.full.push(await start(full));
    starts.empty.push(await start(empty));
    if (dropFromMemory(fullFile)) starts.cold.push(await start(full));
  }
  return starts;
}

/** A store that is read, and runs in it. */
interface Readable {
  readonly file: string;
  readonly server: ServerProcess;
  readonly runIds: readonly string[];
}

async function measureReads(
  stage: Stage,
  stores: readonly Readable[],
  { generator, writer }: { readonly generator: Generator; readonly writer: Generator },
  { seconds, warmUp }: Options,
): Promise<Reading[]> {
  const { signal } = stage;
  const read = async ({ server, runIds }: Readable, connections: number, forSeconds: number) => {
    const url = `${server.origin}/runs`;
    await generator.start({ kind: 'callers', url, connections, ramp: 0, runIds });
    await sleep(LEAD_IN, undefined, { signal });
    await generator.lap();
    await sleep(forSeconds * 1000, undefined, { signal });
    const lap = await generator.lap();
    await generator.stop();
    return lap;
  };
  for (const each of stores) {
    stage.say(`Warming up the reads of ${each.server.spec.name}`);
    await read(each, 16, warmUp);
  }
  const readings: Reading[] = [];
  for (const conditions of CONDITIONS) {
    for (const each of stores) {
      const { key, name } = each.server.spec;
      if (!conditions.cold) await readIntoMemory(each.file, signal);
      else if (!dropFromMemory(each.file)) continue;
      stage.say(`Reading from ${name}: ${describe(conditions)}`);
      const { callers, writes } = conditions;
      if (writes > 0) await writer.start({ kind: 'paced', url: each.server.url, rate: writes });
      const lap = await read(each, callers, seconds);
      readings.push({ ...conditions, server: key, lap, writing: await writer.stop() });
    }
  }
  return readings;
}

function countRuns(file: string): number {
  return query<{ runs: number }>(file, 'SELECT count(*) AS runs FROM runs')[0]?.runs ?? 0;
}

function sampleRuns(file: string): string[] {
  return query<{ id: string }>(file, `SELECT id FROM runs ORDER BY random() LIMIT ${SAMPLE}`).map(
    ({ id }) => id,
  );
}

function query<Row>(file: string, sql: string): Row[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare(sql).all() as Row[];
  } finally {
    database.close();
  }
}
