import type { EventType } from '../../src/core/events.js';
import type { Effects } from './effects.ts';
import { TASKS, type TaskName } from './requests.ts';
import { STREAM_TASKS, type StreamTaskName } from './stream-requests.ts';
import { countRetries, proveSubTask, type SubTaskEvent } from './sub-task-proof.ts';

/** A database with the tables of the journal, whichever it is. */
export interface LogDatabase {
  rows<Row>(sql: string): Promise<Row[]>;
}

/** What the database of a service at rest holds. */
export interface LogProof {
  readonly violations: readonly string[];
  readonly runs: number;
  readonly events: number;
  readonly attempts: number;
  /** Attempts that a kill cut off: the next one began, and no event says how they ended. */
  readonly cutOff: number;
  readonly successes: number;
}

interface RunRow {
  readonly number: number;
  readonly id: string;
  readonly task: TaskName | StreamTaskName;
  readonly finished_at: number | null;
}

interface EventRow extends SubTaskEvent {
  readonly run: number;
  readonly subTask: string | null;
}

const ALL_TASKS = { ...TASKS, ...STREAM_TASKS };

const GAPS = `
  SELECT before, id
  FROM (SELECT lag(id, 1, 0) OVER (ORDER BY id) AS before, id FROM events) AS pairs WHERE id <> before + 1`;
const CUT_OFF = `
  SELECT count(*) AS count FROM (
    SELECT type, lead(type) OVER (PARTITION BY run, sub_task ORDER BY id) AS next FROM events WHERE attempt > 0
  ) AS pairs WHERE type = 'sub-task.started' AND next = type`;

/** How many runs have not ended. */
export function countUnfinished(log: LogDatabase): Promise<number> {
  return count(log, 'SELECT count(*) AS count FROM open_runs');
}

/** Reads the whole log of events, and says where it breaks a promise. */
export async function proveLog(log: LogDatabase, effects: Effects): Promise<LogProof> {
  const violations = effects.violations();
  for (const { before, id } of await log.rows<{ before: number; id: number }>(GAPS))
    violations.push(`The log goes from event ${String(before)} to event ${String(id)}`);
  const strays = await count(
    log,
    'SELECT count(*) AS count FROM events WHERE run IS NULL OR run NOT IN (SELECT number FROM runs_and_open)',
  );
  if (strays > 0) violations.push(`${String(strays)} events belong to no run`);
  for (const [run, events] of await runsOf(log)) violations.push(...proveRun(run, events, effects));
  return {
    violations,
    runs: await count(log, 'SELECT count(*) AS count FROM runs_and_open'),
    events: await count(log, 'SELECT count(*) AS count FROM events'),
    attempts: await count(log, "SELECT count(*) AS count FROM events WHERE type = 'sub-task.started'"),
    cutOff: await count(log, CUT_OFF),
    successes: await count(log, "SELECT count(*) AS count FROM events WHERE type = 'sub-task.succeeded'"),
  };
}

export async function count(log: LogDatabase, sql: string): Promise<number> {
  const [row] = await log.rows<{ count: number }>(sql);
  return row?.count ?? 0;
}

/** All runs with their events, in their order. The events are read at once: each look at them parses all rows. */
async function runsOf(log: LogDatabase): Promise<(readonly [RunRow, readonly EventRow[]])[]> {
  const rows = await log.rows<EventRow>(
    'SELECT run, type, sub_task AS "subTask", attempt, data FROM events ORDER BY run, id',
  );
  const eventsOf = Map.groupBy(rows, ({ run }) => run);
  const runs = await log.rows<RunRow>(
    'SELECT number, id, task, finished_at FROM runs_and_open ORDER BY number',
  );
  return runs.map((run) => [run, eventsOf.get(run.number) ?? []]);
}

function proveRun(run: RunRow, rows: readonly EventRow[], effects: Effects): string[] {
  const violations: string[] = [];
  const types = rows.map(({ type }) => type);
  if (run.finished_at === null) violations.push('never ended');
  const times = (type: EventType): number => types.filter((other) => other === type).length;
  if (times('run.started') !== 1) violations.push(`has run.started ${String(times('run.started'))} times`);
  const reopened = times('run.reopened');
  if (times('run.finished') !== 1 + reopened)
    violations.push(
      `has run.finished ${String(times('run.finished'))} times, reopened ${String(reopened)} times`,
    );
  if (types[0] !== 'run.started') violations.push(`begins with ${String(types[0])}`);
  if (types.at(-1) !== 'run.finished') violations.push(`ends with ${String(types.at(-1))}`);
  let retries = 0;
  for (const subTask of ALL_TASKS[run.task]) {
    const events = rows.filter((row) => row.subTask === subTask);
    const found = proveSubTask(events, (attempt) => effects.has(run.id, subTask, attempt));
    violations.push(...found.map((text) => `${subTask}: ${text}`));
    retries += countRetries(events);
  }
  // A retry on request may bring another reply.
  const replies = times('run.replied');
  if (replies < 1 || replies > 1 + retries)
    violations.push(`has run.replied ${String(replies)} times, after ${String(retries)} retries on request`);
  return violations.map((text) => `The run ${run.id} ${text}`);
}
