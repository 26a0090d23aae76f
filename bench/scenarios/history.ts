import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Options } from '../options.ts';
import { service } from '../servers/servers.ts';
import { chooseCores } from '../support/cores.ts';
import { refuseFullDisk } from '../support/disk.ts';
import { Generator } from '../support/generator.ts';
import type { CallersLoad, Lap } from '../support/generator-protocol.ts';
import { newDatabase, plant } from '../support/planting.ts';
import type { Report } from '../support/results.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import { figure } from '../support/table.ts';
import { FAST } from '../support/turn.ts';
import { goals, notes, resultTable, type Measured, type Reading } from './history-report.ts';
import type { Scenario } from './scenario.ts';

const DAY = 24 * 60 * 60 * 1000;

/** Over how long the stored runs are spread: less than they are kept for, so that none is deleted meanwhile; ms. */
const SPAN = 7 * DAY;

/** More than a stored run takes, and what else there must be room for; bytes. */
const ROOM_A_RUN = 2500;
const SPARE_ROOM = 2 ** 30;

/** Load before the measured part of a reading, in milliseconds. */
const LEAD_IN = 500;

/** Runs a second that are written while others are read. */
const WRITES = 300;

/**
 * One in a hundred of the rest is of another task, or partly failed. The oldest ones are what searches would miss longest. Rows without
 * checksums may be changed.
 */
const VARIETY = `
  UPDATE runs SET checksum = NULL, end_checksum = NULL;
  UPDATE runs SET task = 'other' WHERE number IN (SELECT number FROM runs WHERE random() % 100 = 0);
  UPDATE runs SET status = 'partly-failed' WHERE number IN (SELECT number FROM runs WHERE random() % 100 = 0);
  UPDATE runs SET status = 'failed' WHERE number IN (SELECT number FROM runs ORDER BY number LIMIT 100);
  UPDATE runs SET task = 'rare' WHERE number IN (SELECT number FROM runs ORDER BY number LIMIT 100 OFFSET 50);
  UPDATE runs SET request_id = 'request-' || number, trace_id = printf('%032x', number)`;

export const history: Scenario = {
  name: 'history',
  summary: 'GET /runs by every filter with a million runs stored, and what it costs who reads one run',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const directory = stage.makeDirectory(options.data);
  await refuseFullDisk(directory, options.runs * ROOM_A_RUN + SPARE_ROOM);
  const file = path.join(directory, 'runs.db');
  const spec = service(options.service, file);
  const cores = chooseCores(stage);
  await newDatabase(stage, spec);
  stage.say(`Storing ${figure(options.runs)} finished runs`);
  await plant(stage, file, { runs: options.runs, finished: true, spanMs: SPAN });
  const { runIds, number } = vary(file);

  const server = await ServerProcess.start(stage, spec, { core: cores.server, timeScale: FAST });
  const [reader, other] = [new Generator(stage, cores.generator), new Generator(stage, cores.generator)];
  const list = `${server.origin}/runs`;
  const pages = (query: string) => callers(`${list}${query}`, { pages: true });
  stage.say('Warming up');
  await read(stage, reader, pages(''), options.warmUp);

  const readings: Reading[] = [];
  for (const query of queries(await cursorInTheMiddle(list), number)) {
    stage.say(`Reading GET /runs${query}`);
    const alone = await read(stage, reader, pages(query), options.seconds);
    await other.start({ kind: 'paced', url: server.url, rate: WRITES });
    const besideWrites = await read(stage, reader, pages(query), options.seconds);
    readings.push({ query, alone, besideWrites, writing: await other.stop() });
  }

  stage.say('Reading GET /runs/<id>, alone and beside pages');
  const one = callers(list, { runIds });
  const alone = await read(stage, reader, one, options.seconds);
  await other.start(pages('?limit=200'));
  const besidePages = await read(stage, reader, one, options.seconds);
  const measured: Measured = { readings, oneRun: { alone, besidePages, paging: await other.stop() } };
  await server.stop();
  await stage.clear();

  return {
    scenario: history.name,
    table: resultTable(measured, WRITES),
    notes: notes(measured, options.runs),
    goals: goals(measured),
    data: { options: { runs: options.runs, seconds: options.seconds, writes: WRITES }, cores, ...measured },
  };
}

/** One caller that asks again as soon as it has its answer. */
function callers(url: string, asks: Pick<CallersLoad, 'pages' | 'runIds'>): CallersLoad {
  return { kind: 'callers', url, connections: 1, ramp: 0, ...asks };
}

async function read(stage: Stage, generator: Generator, load: CallersLoad, seconds: number): Promise<Lap> {
  const { signal } = stage;
  await generator.start(load);
  await sleep(LEAD_IN, undefined, { signal });
  await generator.lap();
  await sleep(seconds * 1000, undefined, { signal });
  const lap = await generator.lap();
  await generator.stop();
  return lap;
}

/** Every combination of filters, each by what many runs have and by what few and old ones have. */
function queries(cursor: string, number: number): string[] {
  const day = (days: number) => new Date(Date.now() - SPAN + days * DAY).toISOString();
  const filters = ['', 'task=demo', 'task=rare'].flatMap((task) =>
    ['', 'status=failed', 'status=failed,partly-failed'].flatMap((status) =>
      ['', `since=${day(0)}&until=${day(1)}`].map((range) => [task, status, range]),
    ),
  );
  return [
    ...filters,
    [`requestId=request-${number}`],
    [`traceId=${number.toString(16).padStart(32, '0')}`, 'task=demo'],
    ['limit=200'],
    [`cursor=${cursor}`],
    [`task=demo`, 'limit=200', `cursor=${cursor}`],
  ].map((parts) => `?${parts.filter((part) => part !== '').join('&')}`);
}

async function cursorInTheMiddle(list: string): Promise<string> {
  const until = new Date(Date.now() - SPAN / 2).toISOString();
  const response = await fetch(`${list}?limit=1&until=${until}`);
  const { next } = (await response.json()) as { next: string };
  return next;
}

/** Makes some of the stored runs differ. @returns ids of some that are as they were, and the number of one */
function vary(file: string): { runIds: string[]; number: number } {
  const database = new DatabaseSync(file);
  try {
    database.exec(VARIETY);
    const runs = database.prepare('SELECT id, number FROM runs ORDER BY random() LIMIT 50000').all();
    return { runIds: runs.map(({ id }) => id as string), number: Number(runs[0]?.number) };
  } finally {
    database.close();
  }
}
