import { DatabaseSync } from 'node:sqlite';
import type { EventType } from '../../src/events/catalog.js';
import { Effects } from './effects.ts';
import { SUB_TASKS } from './requests.ts';
import { proveSubTask, type SubTaskEvent } from './sub-task-proof.ts';

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
  readonly finished_at: number | null;
}

interface EventRow extends SubTaskEvent {
  readonly subTask: string | null;
}

const ONCE_IN_A_RUN: readonly EventType[] = ['run.started', 'run.replied', 'run.finished'];

const GAPS = `
  SELECT before, id FROM (SELECT lag(id, 1, 0) OVER (ORDER BY id) AS before, id FROM events) WHERE id <> before + 1`;
const CUT_OFF = `
  SELECT count(*) FROM (
    SELECT type, lead(type) OVER (PARTITION BY run, sub_task ORDER BY id) AS next FROM events WHERE attempt > 0
  ) WHERE type = 'sub-task.started' AND next = type`;

/** How many runs have not ended. */
export function countUnfinished(database: string): number {
  using file = new DatabaseSync(database, { readOnly: true });
  return count(file, 'SELECT count(*) FROM runs WHERE finished_at IS NULL');
}

/** Reads the whole log of events, and says where it breaks a promise. */
export function proveLog(database: string, effectsFile: string): LogProof {
  using file = new DatabaseSync(database, { readOnly: true });
  const effects = new Effects(effectsFile);
  const violations = effects.violations();
  for (const { before, id } of file.prepare(GAPS).iterate())
    violations.push(`The log goes from event ${String(before)} to event ${String(id)}`);
  const strays = count(file, 'SELECT count(*) FROM events WHERE run NOT IN (SELECT number FROM runs)');
  if (strays > 0) violations.push(`${String(strays)} events belong to no run`);
  const eventsOf = file.prepare(
    'SELECT type, sub_task AS subTask, attempt, data FROM events WHERE run = ? ORDER BY id',
  );
  for (const row of file.prepare('SELECT number, id, finished_at FROM runs').iterate()) {
    const run = row as unknown as RunRow;
    violations.push(...proveRun(run, eventsOf.all(run.number) as unknown as EventRow[], effects));
  }
  return {
    violations,
    runs: count(file, 'SELECT count(*) FROM runs'),
    events: count(file, 'SELECT count(*) FROM events'),
    attempts: count(file, "SELECT count(*) FROM events WHERE type = 'sub-task.started'"),
    cutOff: count(file, CUT_OFF),
    successes: count(file, "SELECT count(*) FROM events WHERE type = 'sub-task.succeeded'"),
  };
}

function count(file: DatabaseSync, sql: string): number {
  return Number(Object.values(file.prepare(sql).get() ?? {})[0]);
}

function proveRun(run: RunRow, rows: readonly EventRow[], effects: Effects): string[] {
  const violations: string[] = [];
  const types = rows.map(({ type }) => type);
  if (run.finished_at === null) violations.push('never ended');
  for (const type of ONCE_IN_A_RUN) {
    const times = types.filter((other) => other === type).length;
    if (times !== 1) violations.push(`has ${type} ${String(times)} times`);
  }
  if (types[0] !== 'run.started') violations.push(`begins with ${String(types[0])}`);
  if (types.at(-1) !== 'run.finished') violations.push(`ends with ${String(types.at(-1))}`);
  for (const subTask of SUB_TASKS) {
    const events = rows.filter((row) => row.subTask === subTask);
    const found = proveSubTask(events, (attempt) => effects.has(run.id, subTask, attempt));
    violations.push(...found.map((text) => `${subTask}: ${text}`));
  }
  return violations.map((text) => `The run ${run.id} ${text}`);
}
