import { open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ServerSpec } from '../servers/server-spec.ts';
import { readTemplate, writeBatch } from './planted-rows.ts';
import { ServerProcess } from './server-process.ts';
import type { Stage } from './stage.ts';
import { figure } from './table.ts';
import { FAST } from './turn.ts';

/** Runs whose events lie among each other's, as if they had been in flight together: all starts, all first results, … */
const BATCH = 1000;

/** Batches in one transaction. */
const BATCHES = 20;

/** A progress line after as many runs. */
const MILESTONE = 200_000;

export interface Planting {
  readonly runs: number;
  /** False leaves their sub-tasks as a crash does: started, without an outcome. */
  readonly finished: boolean;
  /** Over how many milliseconds before now the runs were started. */
  readonly spanMs: number;
}

/** Lets the service make its tables in a new database, run its demo once, and end. */
export async function newDatabase(stage: Stage, spec: ServerSpec): Promise<void> {
  const server = await ServerProcess.start(stage, spec, { core: undefined, timeScale: FAST });
  await server.stop();
}

/**
 * Fills a database in which the service has left one finished run with copies of that run: the rows are those
 * that the service writes, but for their numbers, ids and times.
 */
export async function plant(stage: Stage, file: string, planting: Planting): Promise<void> {
  const database = new DatabaseSync(file);
  try {
    await plantInto(database, stage, planting);
  } finally {
    database.close();
  }
  const handle = await open(file, 'r+');
  try {
    // What the system writes back later must not be in the figures.
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function plantInto(database: DatabaseSync, stage: Stage, { runs, finished, spanMs }: Planting) {
  database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000');
  const template = readTemplate(database, finished);
  const step = spanMs / runs;
  const start = Date.now() - spanMs;
  for (let planted = 0, { lastId } = template; planted < runs;) {
    database.exec('BEGIN');
    for (let batch = 0; batch < BATCHES && planted < runs; batch++) {
      const size = Math.min(BATCH, runs - planted);
      lastId = writeBatch(database, template, lastId, timesFrom(start + planted * step, step, size));
      planted += size;
      if (planted % MILESTONE === 0) stage.say(`Stored ${figure(planted)} of ${figure(runs)} runs`);
      await nextTurn();
      stage.signal.throwIfAborted();
    }
    database.exec('COMMIT');
  }
  database.exec('PRAGMA journal_mode = WAL');
}

function timesFrom(start: number, step: number, count: number): number[] {
  return Array.from({ length: count }, (_, copy) => Math.trunc(start + copy * step));
}
