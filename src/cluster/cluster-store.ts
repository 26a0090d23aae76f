import { sql, type Transaction } from 'kysely';
import { fromKysely } from 'pg-boss';
import type { PostgresJournal } from '../journal/postgres/postgres-journal.js';
import type { Schema } from '../journal/postgres/postgres-schema.js';
import { QUEUES } from '../journal/postgres/queues.js';
import type { PlacedSubTask, RunCommand } from '../run/sharing.js';

/** A sub-task that a node has taken on. */
export interface TakenSubTask {
  readonly runId: string;
  readonly number: number;
  readonly task: string;
  readonly subTask: string;
}

/** A caller's command for a run, kept until it is carried out. */
export interface KeptCommand extends RunCommand {
  readonly id: number;
  readonly isFinished: boolean;
}

export type SubTaskOf = Pick<TakenSubTask, 'runId' | 'subTask'>;

/** A sub-task that was taken on this often without ending is buried: it may be what kills the nodes. */
const MAX_DELIVERIES = 20;
/** Age from which a delivery may be lost, in milliseconds. A delivery takes a few milliseconds. */
export const STALLED_MS = 1_000;
/** How many runs, or sub-tasks, one transaction takes over. */
const PAGE = 100;

/** The state of nodes and of work between nodes, in the database that nodes share. */
export class ClusterStore {
  constructor(private readonly journal: PostgresJournal) {}

  private get db() {
    return this.journal.store.db;
  }

  /**
   * Sends sub-tasks again that were taken on by nodes which are gone.
   *
   * @returns how many were sent, and the sub-tasks that are buried instead
   */
  async resendOrphans(): Promise<{ sent: number; buried: readonly SubTaskOf[] }> {
    return this.db.transaction().execute(async (db) => {
      const { rows } = await sql<PlacedRow>`
        UPDATE placed SET node = NULL, due_at = clock_timestamp()
        FROM open_runs
        WHERE open_runs.number = placed.run AND (placed.run, placed.sub_task) IN (
          SELECT run, sub_task FROM placed AS p
          WHERE node IS NOT NULL AND NOT EXISTS (SELECT FROM nodes WHERE nodes.id = p.node)
            AND NOT EXISTS (SELECT FROM open_runs WHERE number = p.run AND set_aside)
          LIMIT ${PAGE} FOR UPDATE SKIP LOCKED)
        RETURNING open_runs.id, open_runs.task, placed.sub_task, placed.attempt, placed.worker, placed.deliveries`.execute(
        db,
      );
      return this.send(rows, db);
    });
  }

  /**
   * Sends sub-tasks again whose delivery takes too long: the node that got it may have died. A delivery that was only slow comes twice,
   * but is taken on once. Sub-tasks of paused tasks and queues wait until these are resumed. Sub-tasks that no node knows wait until such
   * a node starts. Buried sub-tasks are left out too.
   *
   * @returns how many were sent
   */
  async resendStalled(): Promise<number> {
    return this.db.transaction().execute(async (db) => {
      const { rows } = await sql<PlacedRow>`
        UPDATE placed SET due_at = clock_timestamp()
        FROM open_runs
        WHERE open_runs.number = placed.run AND (placed.run, placed.sub_task) IN (
          SELECT p.run, p.sub_task FROM placed AS p JOIN open_runs AS r ON r.number = p.run
          WHERE p.node IS NULL AND p.deliveries < ${MAX_DELIVERIES} AND NOT r.set_aside AND p.due_at < clock_timestamp() - ${STALLED_MS} * interval '1 ms'
            AND NOT EXISTS (SELECT FROM paused_tasks WHERE paused_tasks.task = r.task)
            AND NOT EXISTS (SELECT FROM paused_queues WHERE queue = CASE WHEN p.worker THEN ${QUEUES.worker} ELSE ${QUEUES.any} END)
            AND EXISTS (SELECT FROM nodes WHERE r.task || '/' || p.sub_task = ANY (nodes.tasks))
          LIMIT ${PAGE} FOR UPDATE OF p SKIP LOCKED)
        RETURNING open_runs.id, open_runs.task, placed.sub_task, placed.attempt, placed.worker, placed.deliveries`.execute(
        db,
      );
      await this.journal.queue?.send(rows.map(placedOf), fromKysely(db));
      return rows.length;
    });
  }

  /** Gives back sub-tasks that this node has taken on but can't begin. @returns the sub-tasks that are buried */
  async giveBack(node: string, subTasks: readonly SubTaskOf[]): Promise<readonly SubTaskOf[]> {
    return this.db.transaction().execute(async (db) => {
      const { rows } = await sql<PlacedRow>`
        UPDATE placed SET node = NULL, due_at = clock_timestamp()
        FROM open_runs, ${pairs(subTasks)}
        WHERE open_runs.id = given.run_id AND placed.run = open_runs.number AND placed.sub_task = given.sub_task
          AND placed.node = ${node}
        RETURNING open_runs.id, open_runs.task, placed.sub_task, placed.attempt, placed.worker, placed.deliveries`.execute(
        db,
      );
      return (await this.send(rows, db)).buried;
    });
  }

  /**
   * Takes on sub-tasks that no node has. Sub-tasks that another node has, that have ended, or whose run is set aside, are left out. A
   * node without a row in `nodes` gets none.
   */
  async takeOn(node: string, subTasks: readonly SubTaskOf[]): Promise<TakenSubTask[]> {
    const { rows } = await sql<{ id: string; number: number; task: string; sub_task: string }>`
      UPDATE placed SET node = ${node}, deliveries = deliveries + 1
      FROM open_runs, ${pairs(subTasks)}
      WHERE open_runs.id = given.run_id AND placed.run = open_runs.number AND placed.sub_task = given.sub_task
        AND placed.node IS NULL AND NOT set_aside AND EXISTS (SELECT FROM nodes WHERE nodes.id = ${node})
      RETURNING open_runs.id, open_runs.number, open_runs.task, placed.sub_task`.execute(this.db);
    return rows.map(({ id, number, task, sub_task }) => ({ runId: id, number, task, subTask: sub_task }));
  }

  /**
   * Of the given names of sub-tasks, those that some node knows (see `knownNames`), and whether such a node could take them on now.
   *
   * @param worker whether they are for nodes that take work
   */
  async known(names: readonly string[], worker: boolean): Promise<ReadonlyMap<string, boolean>> {
    const { rows } = await sql<{ name: string; idle: boolean }>`
      SELECT name, bool_or(free_slots > 0 AND NOT draining AND (role <> 'api' OR NOT ${worker})) AS idle
      FROM nodes, unnest(nodes.tasks) AS name
      WHERE name = ANY (${[...names]}::text[]) GROUP BY name`.execute(this.db);
    return new Map(rows.map(({ name, idle }) => [name, idle]));
  }

  /**
   * The commands for the runs of a node. The node that leads also gets those for runs that have finished meanwhile: they may still ask
   * for something, such as a retry.
   */
  async commands(node: string, leads: boolean): Promise<KeptCommand[]> {
    const { rows } = await sql<CommandRow>`
      SELECT commands.id, run_id AS "runId", kind, sub_task AS "subTask", commands.key, open_runs.number IS NULL AS "isFinished"
      FROM commands LEFT JOIN open_runs ON open_runs.number = commands.run
      WHERE open_runs.node = ${node} OR (open_runs.number IS NULL AND ${leads})
      ORDER BY commands.id LIMIT ${PAGE}`.execute(this.db);
    return rows.map(({ subTask, key, ...command }) => ({
      ...command,
      subTask: subTask ?? undefined,
      key: key ?? undefined,
    }));
  }

  async forgetCommands(ids: readonly number[]): Promise<void> {
    await this.db.deleteFrom('commands').where('id', 'in', ids).execute();
  }

  private async send(
    rows: readonly PlacedRow[],
    trx: Transaction<Schema>,
  ): Promise<{ sent: number; buried: readonly SubTaskOf[] }> {
    const { queue } = this.journal;
    const db = fromKysely(trx);
    const deadly = rows.filter(({ deliveries }) => deliveries >= MAX_DELIVERIES).map(placedOf);
    const others = rows.filter(({ deliveries }) => deliveries < MAX_DELIVERIES).map(placedOf);
    await queue?.send(others, db);
    await queue?.bury(deadly, db);
    return { sent: others.length, buried: deadly };
  }
}

interface CommandRow extends Omit<KeptCommand, 'subTask' | 'key'> {
  readonly subTask: string | null;
  readonly key: string | null;
}

interface PlacedRow {
  readonly id: string;
  readonly task: string;
  readonly sub_task: string;
  readonly attempt: number;
  readonly worker: boolean;
  readonly deliveries: number;
}

function placedOf({ id, task, sub_task: subTask, attempt: attempts, worker }: PlacedRow): PlacedSubTask {
  return { runId: id, task, subTask, attempts, worker };
}

function pairs(subTasks: readonly SubTaskOf[]) {
  const runIds = subTasks.map(({ runId }) => runId);
  const names = subTasks.map(({ subTask }) => subTask);
  return sql`unnest(${runIds}::text[], ${names}::text[]) AS given (run_id, sub_task)`;
}
