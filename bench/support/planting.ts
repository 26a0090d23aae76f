import { open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import type { ServerSpec } from '../servers/server-spec.ts';
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
  database.function('uuid_v7', (ms) => uuidv7({ msecs: Number(ms) }));
  const lastId = readTemplate(database, finished);
  const { events: eventsOfRun } = database.prepare('SELECT count(*) AS events FROM template').get() as {
    events: number;
  };
  const insertRuns = database.prepare(runsStatement(database, finished));
  const insertEvents = database.prepare(eventsStatement(database));
  const step = spanMs / runs;
  const start = Date.now() - spanMs;
  for (let planted = 0, base = lastId; planted < runs;) {
    database.exec('BEGIN');
    for (let batch = 0; batch < BATCHES && planted < runs; batch++) {
      const size = Math.min(BATCH, runs - planted);
      const position = { base, size, start: start + planted * step, step };
      insertRuns.run(position);
      insertEvents.run(position);
      base += size * eventsOfRun;
      planted += size;
      if (planted % MILESTONE === 0) stage.say(`Stored ${figure(planted)} of ${figure(runs)} runs`);
      await nextTurn();
      stage.signal.throwIfAborted();
    }
    database.exec('COMMIT');
  }
  database.exec('PRAGMA journal_mode = WAL');
}

/**
 * Keeps the one run's rows aside, with the place of each, from 0, and of the part of the run that it belongs to:
 * each result begins one.
 *
 * @returns the id of the last event
 */
function readTemplate(database: DatabaseSync, finished: boolean): number {
  const which = finished ? '' : `WHERE type IN ('run.started', 'sub-task.started')`;
  database.exec(
    `CREATE TEMP TABLE template_run AS SELECT * FROM runs;
     CREATE TEMP TABLE template AS
       SELECT min(place) OVER part AS part_place, count(*) OVER part AS part_size, * FROM (
         SELECT row_number() OVER (ORDER BY id) - 1 AS place,
           sum(type = 'sub-task.succeeded') OVER (ORDER BY id) AS part, *
         FROM events ${which}
       ) WINDOW part AS (PARTITION BY part);
     CREATE TEMP TABLE copies (copy INTEGER PRIMARY KEY);
     WITH RECURSIVE count (copy) AS (SELECT 0 UNION ALL SELECT copy + 1 FROM count WHERE copy < ${BATCH - 1})
       INSERT INTO copies SELECT copy FROM count`,
  );
  const { runs } = database.prepare('SELECT count(*) AS runs FROM template_run').get() as { runs: number };
  if (runs !== 1) throw new Error(`The service should have left one run, but it left ${runs}.`);
  return (database.prepare('SELECT max(id) AS id FROM events').get() as { id: number }).id;
}

/** When a copy was started. */
const STARTED = 'CAST(:start + copy * :step AS INTEGER)';

/** A run's number is the id of its first event. */
const NUMBER = ':base + copy * (SELECT part_size FROM template WHERE place = 0) + 1';

/** How long after the start of its run something was. */
const after = (time: string) => `${time} - (SELECT created_at FROM template_run)`;

function runsStatement(database: DatabaseSync, finished: boolean): string {
  return copyStatement(database, 'runs', 'template_run CROSS JOIN copies', {
    number: NUMBER,
    id: `uuid_v7(${STARTED})`,
    created_at: STARTED,
    finished_at: finished ? `${STARTED} + ${after('finished_at')}` : 'NULL',
    ...(!finished && { status: `'running'` }),
  });
}

function eventsStatement(database: DatabaseSync): string {
  return copyStatement(database, 'events', 'template CROSS JOIN copies', {
    id: ':base + part_place * :size + copy * part_size + (place - part_place) + 1',
    run: NUMBER,
    time: `${STARTED} + ${after('time')}`,
  });
}

/** Copies all columns as they are, but for those that `changed` has. */
function copyStatement(
  database: DatabaseSync,
  table: string,
  from: string,
  changed: Readonly<Record<string, string>>,
): string {
  const columns = database.prepare('SELECT name FROM pragma_table_info(?)').all(table);
  const names = columns.map(({ name }) => name as string);
  const values = names.map((name) => changed[name] ?? name);
  return `INSERT INTO ${table} (${names.join(', ')}) SELECT ${values.join(', ')} FROM ${from} WHERE copy < :size ORDER BY 1`;
}
