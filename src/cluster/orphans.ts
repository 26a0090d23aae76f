import { sql, type Kysely } from 'kysely';
import { loggerOf } from '../core/logger-of.js';
import { MOST_STARTS, SURVIVAL_MS } from '../journal/survival.js';
import type { Schema } from '../journal/postgres/postgres-schema.js';

/** How many runs are taken over at a time. */
const PAGE = 100;

export interface Orphan {
  readonly number: number;
  readonly id: string;
  /** Whether a caller has cancelled the run. It is then taken over to be cancelled, also by a node that doesn't know its task. */
  readonly cancelled: boolean;
}

const IS_ORPHAN = sql`NOT EXISTS (SELECT FROM nodes WHERE nodes.id = open_runs.node)`;
/** Whether the last takeover was so recent that a death of the node now may be due to the run. */
const IS_RECENT = sql`taken_at > clock_timestamp() - ${SURVIVAL_MS} * interval '1 ms'`;
const IS_CANCELLED = sql`EXISTS (SELECT FROM commands WHERE run = number AND kind = 'cancel' OFFSET 0)`;

/**
 * The unfinished runs of nodes that are gone. A node claims runs before it reads them. So if reading them kills it, the next node sees
 * that in the count of takeovers.
 */
export class Orphans {
  private readonly logger = loggerOf('node');

  /** Sets aside the runs over which several nodes in a row died. */
  async setAside(db: Kysely<Schema>): Promise<void> {
    const { rows } = await sql<{ id: string; task: string }>`
      UPDATE open_runs SET set_aside = true, node = ''
      WHERE takeovers >= ${MOST_STARTS} AND NOT set_aside AND ${IS_RECENT} AND ${IS_ORPHAN} AND NOT ${IS_CANCELLED}
      RETURNING id, task`.execute(db);
    for (const { id: runId, task } of rows)
      this.logger.error({
        msg: `A run of the task ${task} is set aside, because ${MOST_STARTS} nodes in a row died after they had taken it over. GET /runs?status=set-aside lists such runs; POST /runs/<id>/resume lets one go on, POST /runs/<id>/cancel ends it`,
        runId,
        task,
      });
  }

  /**
   * Locks some orphaned runs, the oldest first. Nodes that do the same meanwhile get other runs. A node without a row in `nodes` gets
   * none: runs that it claimed would still have no live node.
   *
   * @param tasks the tasks that the node knows
   * @param besides numbers of runs that the node leaves to others
   */
  async lock(
    db: Kysely<Schema>,
    node: string,
    tasks: readonly string[],
    besides: readonly number[],
  ): Promise<readonly Orphan[]> {
    const { rows } = await sql<Orphan>`
      SELECT number, id, ${IS_CANCELLED} AS cancelled FROM open_runs
      WHERE number <> ALL (${[...besides]}::bigint[]) AND ${IS_ORPHAN}
        AND EXISTS (SELECT FROM nodes WHERE nodes.id = ${node})
        AND (${IS_CANCELLED} OR (task = ANY (${[...tasks]}::text[]) AND NOT set_aside
          AND NOT EXISTS (SELECT FROM waiting_runs WHERE run = number AND dead)))
      ORDER BY number LIMIT ${PAGE} FOR UPDATE OF open_runs SKIP LOCKED`.execute(db);
    return rows;
  }

  /** Assigns runs to a node. */
  async claim(db: Kysely<Schema>, node: string, numbers: readonly number[]): Promise<void> {
    await sql`
      UPDATE open_runs SET node = ${node}, set_aside = false, taken_at = clock_timestamp(),
        takeovers = CASE WHEN ${IS_RECENT} THEN takeovers + 1 ELSE 1 END
      WHERE number = ANY (${[...numbers]}::bigint[])`.execute(db);
  }

  /** Those of the given runs that belong to a node. */
  async claimed(db: Kysely<Schema>, node: string, numbers: readonly number[]): Promise<readonly Orphan[]> {
    const { rows } = await sql<Orphan>`
      SELECT number, id, ${IS_CANCELLED} AS cancelled FROM open_runs
      WHERE number = ANY (${[...numbers]}::bigint[]) AND node = ${node}
      ORDER BY number LIMIT ${PAGE}`.execute(db);
    return rows;
  }

  /**
   * Releases runs that a node has claimed and not begun, for any node to take. Their takeover doesn't count, because the node didn't die
   * over them.
   */
  async release(db: Kysely<Schema>, node: string, numbers: readonly number[]): Promise<void> {
    await sql`
      UPDATE open_runs SET node = '', takeovers = greatest(takeovers - 1, 0)
      WHERE number = ANY (${[...numbers]}::bigint[]) AND node = ${node}`.execute(db);
  }

  /** Releases a run that a node could not resume, and tells all nodes. */
  async letGo(db: Kysely<Schema>, node: string, number: number): Promise<void> {
    await sql`
      WITH let_go AS (
        UPDATE open_runs SET node = '', takeovers = greatest(takeovers - 1, 0)
        WHERE number = ${number} AND node = ${node}
        RETURNING number)
      SELECT pg_notify(current_schema(), json_build_array('let-go', ${node}::text)::text) FROM let_go`.execute(
      db,
    );
  }
}
