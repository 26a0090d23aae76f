import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Options } from '../options.ts';
import { service } from '../servers/servers.ts';
import { chooseCores } from '../support/cores.ts';
import { newDatabase, plant } from '../support/planting.ts';
import { peakResidentBytes } from '../support/process-usage.ts';
import type { Report } from '../support/results.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import { figure } from '../support/table.ts';
import { earliestEnd, goals, notes, resultTable, type Measured, type Recovered } from './recovery-report.ts';
import type { Scenario } from './scenario.ts';

/** Unfinished runs of three sub-tasks: 10,000 sub-tasks, which may all run at once, and five times what may. */
const SIZES = [3_334, 33_334];
const SUB_TASKS = 3;

/** Over how long before the crash they were started, in milliseconds. */
const SPAN = 1000;

/** Between two looks at the journal, in milliseconds. The time of each start is in it. */
const INTERVAL = 50;

/** How long it may take until all have started, in milliseconds. */
const LIMIT = 180_000;

export const recovery: Scenario = {
  name: 'recovery',
  summary: 'how soon the sub-tasks that a crash has left unfinished are started again',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const directory = stage.makeDirectory(options.data);
  const cores = chooseCores(stage);
  const measured: Measured[] = [];
  for (const runs of SIZES) {
    const left = path.join(directory, `left-${runs}.db`);
    await newDatabase(stage, service(options.service, left));
    stage.say(`Storing ${figure(runs)} runs with ${figure(runs * SUB_TASKS)} unfinished sub-tasks`);
    await plant(stage, left, { runs, finished: false, spanMs: SPAN });
    const recovered: Recovered[] = [];
    for (let round = 1; round <= options.starts; round++) {
      const file = path.join(directory, `taken-up-${runs}-${round}.db`);
      await copyFile(left, file);
      const figures = await recover(stage, options, file, cores.server, runs * SUB_TASKS);
      stage.say(
        `${round}/${options.starts}: ready after ${figure(figures.readyMs)} ms, ` +
          `all started ${figure(figures.startedMs)} ms later`,
      );
      recovered.push(figures);
    }
    const subTasks = runs * SUB_TASKS;
    measured.push({ runs, subTasks, earliestMs: earliestEnd(subTasks), recovered });
  }
  await stage.clear();
  return {
    scenario: recovery.name,
    table: resultTable(measured),
    notes: notes(),
    goals: goals(measured),
    data: { options: { starts: options.starts }, cores, sizes: measured },
  };
}

async function recover(
  stage: Stage,
  options: Options,
  file: string,
  core: number | undefined,
  subTasks: number,
): Promise<Recovered> {
  const spec = service(options.service, file);
  const lastId = lastEvent(file);
  const server = await ServerProcess.start(stage, spec, { core, timeScale: 1, tryOut: false });
  const lastStart = await untilStarted(stage, file, lastId, subTasks);
  const resident = peakResidentBytes(server.pid);
  await server.kill();
  return { readyMs: server.ready.afterMs, startedMs: lastStart - server.ready.at, resident };
}

/** Reads the journal until so many second attempts are in it. @returns when the last began, in ms since 1970 */
async function untilStarted(stage: Stage, file: string, after: number, count: number): Promise<number> {
  const deadline = performance.now() + LIMIT;
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
  try {
    const look = database.prepare(
      `SELECT max(last) AS last_id, count(*) FILTER (WHERE second) AS started, max(time) FILTER (WHERE second) AS last
       FROM (
         SELECT last, round(unixepoch(value ->> '$.time', 'subsec') * 1000) AS time,
           value ->> '$.type' = 'sub-task.started' AND value ->> '$.attempt' = 2 AS second
         FROM commits CROSS JOIN json_each(events) WHERE first > ?
       )`,
    );
    let [lastId, started, last] = [after, 0, 0];
    while (started < count) {
      await sleep(INTERVAL, undefined, { signal: stage.signal });
      const seen = look.get(lastId) as { last_id: number | null; started: number; last: number | null };
      lastId = seen.last_id ?? lastId;
      started += seen.started;
      last = Math.max(last, seen.last ?? 0);
      if (performance.now() > deadline)
        throw new Error(`After ${LIMIT / 1000} s, ${started} of ${count} sub-tasks have started again.`);
    }
    return last;
  } finally {
    database.close();
  }
}

function lastEvent(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return (database.prepare('SELECT max(last) AS id FROM commits').get() as { id: number }).id;
  } finally {
    database.close();
  }
}
