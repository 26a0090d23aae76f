import { sql, type Kysely } from 'kysely';
import type { Schema } from '../journal/postgres/postgres-schema.js';

/** A run or sub-task that waits until an operator looks into it. */
export interface DeadLetter {
  readonly runId: string;
  readonly task: string;
  readonly since: Date;
  readonly reason: string;
}

/** Unfinished runs that wait for a node that knows their task, or have waited for too long, the oldest first. */
export async function waitingRuns(db: Kysely<Schema>, limit: number): Promise<readonly DeadLetter[]> {
  const { rows } = await sql<{ id: string; task: string; since: Date; dead: boolean }>`
    SELECT id, task, since, dead FROM waiting_runs JOIN open_runs ON number = run
    ORDER BY since, run LIMIT ${limit === Infinity ? null : limit}`.execute(db);
  return rows.map(({ id, task, since, dead }) => ({
    runId: id,
    task,
    since,
    reason: dead
      ? 'no node has known its task, or all of its sub-tasks, for too long'
      : 'waits for a node that knows its task and all of its sub-tasks',
  }));
}

/** Lets runs wait anew for a node that knows their task. Such a node soon takes them over. */
export async function redriveRuns(db: Kysely<Schema>, runIds: readonly string[]): Promise<void> {
  if (runIds.length === 0) return;
  await sql`
    WITH redriven AS (
      UPDATE waiting_runs SET dead = false, since = clock_timestamp()
      FROM open_runs WHERE number = run AND id = ANY (${[...runIds]}::text[]) RETURNING run)
    SELECT pg_notify(current_schema(), json_build_array('let-go', '')::text) FROM redriven LIMIT 1`.execute(
    db,
  );
}
