import { Kysely, PostgresDialect, sql } from 'kysely';
import { fromKysely, PgBoss, type JobWithMetadata } from 'pg-boss';
import { DatabaseError } from '../journal/database-error.js';
import { nameOf } from '../core/database-name.js';
import { openPool, postgresError, type PostgresAddress } from '../journal/postgres/postgres-connection.js';
import type { Schema } from '../journal/postgres/postgres-schema.js';
import { redriveRuns, waitingRuns, type DeadLetter } from './dead-runs.js';
import { QUEUES, queueSchema } from '../journal/postgres/queues.js';
import type { SubTaskJob } from '../journal/postgres/sub-task-queue.js';

/** A sub-task that waits in the dead-letter queue until an operator looks into it. */
export interface DeadSubTask extends DeadLetter {
  readonly subTask: string;
  /** How often a node took the sub-task on. Where none could: how often its delivery was tried. */
  readonly deliveries: number;
  /** The id of its job in the dead-letter queue. */
  readonly id: string;
  /** The queue that it goes back to. */
  readonly queue: string;
}

/** The sub-tasks in the dead-letter queue, and the runs that wait for a node that knows their task. */
export interface DeadLetters {
  readonly runs: readonly DeadLetter[];
  readonly subTasks: readonly DeadSubTask[];
}

type Placed = Pick<Schema['placed'], 'deliveries' | 'worker'>;

/** How many are read, or sent on their way, at a time. */
const PAGE = 1_000;

/** The dead-letter queue of sub-tasks that left their node, for operators. It doesn't migrate the database. */
export class DeadSubTasks {
  /** @param boss pg-boss, started */
  constructor(
    private readonly url: string,
    private readonly db: Kysely<Schema>,
    private readonly boss: PgBoss,
  ) {}

  /** @throws {DatabaseError} when the database can't be used, or no node was ever started on it */
  static async open(address: PostgresAddress): Promise<DeadSubTasks> {
    const { url, schema } = address;
    const pool = openPool(address);
    const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
    const boss = new PgBoss({
      db: { executeSql: (text, values) => pool.query(text, values) },
      schema: queueSchema(schema),
      migrate: false,
      supervise: false,
      schedule: false,
      registerInstance: false,
    });
    const dead = new DeadSubTasks(url, db, boss);
    try {
      await dead.asking(async () => {
        if (!(await hasTables(db)))
          throw new DatabaseError(
            nameOf(url),
            `has nothing of the service in the schema ${schema}; start a node on it first, or correct DATABASE_SCHEMA`,
          );
        await boss.start();
      });
    } catch (error) {
      await db.destroy();
      throw error;
    }
    return dead;
  }

  /** The dead letters, the oldest first. @param limit how many runs, and how many sub-tasks */
  async letters(limit = Infinity): Promise<DeadLetters> {
    const runs = await this.asking(() => waitingRuns(this.db, limit));
    return { runs, subTasks: await this.list(limit) };
  }

  /**
   * Sends sub-tasks on their way again, and lets runs wait anew for a node that knows their task.
   *
   * @returns how many sub-tasks were sent; fewer than were given when somebody else redrives them too
   */
  async redrive({ runs, subTasks }: DeadLetters): Promise<number> {
    const runIds = runs.map(({ runId }) => runId);
    await this.asking(() => redriveRuns(this.db, runIds));
    return this.redriveSubTasks(subTasks);
  }

  private list(limit: number): Promise<DeadSubTask[]> {
    return this.asking(async () => {
      const found: DeadSubTask[] = [];
      let after: string | undefined;
      do {
        const jobs = await this.boss.findJobs<SubTaskJob>(QUEUES.dead, {
          queued: true,
          limit: Math.min(PAGE, limit - found.length),
          ...(after !== undefined && { after }),
        });
        const placed = await this.placedOf(jobs);
        found.push(...jobs.map((job) => deadSubTask(job, placed.get(keyOf(job.data)))));
        after = jobs.length === PAGE ? jobs.at(-1)?.id : undefined;
      } while (after !== undefined && found.length < limit);
      return found;
    });
  }

  /** Resets their counts of deliveries: otherwise the next node that dies would bury them again. */
  private async redriveSubTasks(subTasks: readonly DeadSubTask[]): Promise<number> {
    let count = 0;
    for (let at = 0; at < subTasks.length; at += PAGE)
      count += await this.asking(() => this.redrivePage(subTasks.slice(at, at + PAGE)));
    return count;
  }

  async close(): Promise<void> {
    await this.boss.stop({ graceful: false });
    await this.db.destroy();
  }

  private async redrivePage(subTasks: readonly DeadSubTask[]): Promise<number> {
    const runIds = subTasks.map(({ runId }) => runId);
    const names = subTasks.map(({ subTask }) => subTask);
    return this.db.transaction().execute(async (trx) => {
      await sql`
        UPDATE placed SET deliveries = 0
        FROM open_runs, unnest(${runIds}::text[], ${names}::text[]) AS given (run_id, sub_task)
        WHERE open_runs.id = given.run_id AND placed.run = open_runs.number AND placed.sub_task = given.sub_task
          AND placed.node IS NULL`.execute(trx);
      let count = 0;
      for (const [destination, ofQueue] of Map.groupBy(subTasks, ({ queue }) => queue)) {
        const ids = ofQueue.map(({ id }) => id);
        const limit = ids.length;
        count += await this.boss.redrive(QUEUES.dead, { ids, destination, limit, db: fromKysely(trx) });
      }
      return count;
    });
  }

  /** The sub-tasks of some jobs that have not ended. */
  private async placedOf(jobs: readonly JobWithMetadata<SubTaskJob>[]): Promise<ReadonlyMap<string, Placed>> {
    const runIds = [...new Set(jobs.map(({ data }) => data.runId))];
    const { rows } = await sql<Placed & { run_id: string; sub_task: string }>`
      SELECT open_runs.id AS run_id, sub_task, deliveries, worker
      FROM placed JOIN open_runs ON open_runs.number = placed.run
      WHERE open_runs.id = ANY (${runIds}::text[])`.execute(this.db);
    return new Map(rows.map((row) => [keyOf({ runId: row.run_id, subTask: row.sub_task }), row]));
  }

  private async asking<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw postgresError(this.url, error);
    }
  }
}

/** The dead letters of some runs, or of all. @returns also the ids of runs without any */
export function ofRuns(
  { runs, subTasks }: DeadLetters,
  runIds: 'all' | readonly string[],
): DeadLetters & { readonly missing: readonly string[] } {
  if (runIds === 'all') return { runs, subTasks, missing: [] };
  const isChosen = ({ runId }: DeadLetter): boolean => runIds.includes(runId);
  const waits = new Set([...runs, ...subTasks].map(({ runId }) => runId));
  const missing = runIds.filter((runId) => !waits.has(runId));
  return { runs: runs.filter(isChosen), subTasks: subTasks.filter(isChosen), missing };
}

async function hasTables(db: Kysely<Schema>): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    SELECT to_regclass('waiting_runs') IS NOT NULL AS found`.execute(db);
  return rows[0]?.found ?? false;
}

/** A sub-task that was buried by a node, and not failed by pg-boss, has no original queue. */
function deadSubTask(job: JobWithMetadata<SubTaskJob>, placed: Placed | undefined): DeadSubTask {
  const { id, data, createdOn, sourceName, sourceRetryCount } = job;
  const deliveries = sourceName === null ? (placed?.deliveries ?? 0) : (sourceRetryCount ?? 0) + 1;
  return {
    runId: data.runId,
    task: data.task,
    subTask: data.subTask,
    since: createdOn,
    deliveries,
    reason: placed ? reasonOf(job) : 'has ended meanwhile: nothing is left to do',
    id,
    queue: sourceName ?? (placed?.worker ? QUEUES.worker : QUEUES.any),
  };
}

function reasonOf({ sourceName, sourceOutput }: JobWithMetadata): string {
  if (sourceName === null) return 'was under way in that many nodes that died';
  const { message, value } = (sourceOutput ?? {}) as { message?: string; value?: { message?: string } };
  return message ?? value?.message ?? 'no node that was asked knows its task';
}

function keyOf({ runId, subTask }: { readonly runId: string; readonly subTask: string }): string {
  return `${runId}/${subTask}`;
}
