import { Logger } from '@nestjs/common';
import { sql, type Transaction } from 'kysely';
import { fromKysely } from 'pg-boss';
import type { Runs } from '../run/runs.js';
import { eventsOf } from '../journal/event-rows.js';
import type { PostgresJournal } from '../journal/postgres/postgres-journal.js';
import type { Schema } from '../journal/postgres/postgres-schema.js';
import { PostgresStore } from '../journal/postgres/postgres-store.js';
import type { PlacedSubTask } from '../run/sharing.js';
import type { RecordedRuns } from '../tasks/recorded-runs.js';
import { runOf } from '../core/run-record.js';
import type { RunRecord } from '../core/run-record.js';
import type { TaskRegistry } from '../tasks/task-registry.js';
import { textOf } from '../core/thrown.js';

/** How many runs are taken over in one transaction. */
const PAGE = 100;

interface Orphan {
  readonly number: number;
  readonly id: string;
}

interface TakenOver {
  readonly run: RunRecord;
  /** Its sub-tasks that are under way or on their way elsewhere. */
  readonly placed: readonly string[];
}

/**
 * Resumes the runs of nodes that are gone. Their sub-tasks go to whichever node takes them on, through the queue and
 * in the same transaction, but for those that are held: they are for the node that executes the run.
 */
export class Takeover {
  private readonly logger = new Logger(Takeover.name);
  /** Runs of which it isn't known whether they are this node's, by their numbers. */
  private unsure: number[] = [];

  constructor(
    private readonly journal: PostgresJournal,
    private readonly runs: Runs,
    private readonly registry: TaskRegistry,
    private readonly recorded: RecordedRuns,
  ) {}

  /** Takes over some of what there is, and says how much. Other nodes that do the same meanwhile take other runs. */
  async takeOver(): Promise<number> {
    const { nodeId } = this.journal;
    const isOurs = (): boolean => this.journal.nodeId === nodeId;
    const page = await this.takePage(nodeId);
    // A node that loses its place meanwhile has none of them any more: others resume them.
    for (const taken of page) if (isOurs()) await this.resume(taken, isOurs);
    if (page.length > 0) this.logger.log(`Took over ${page.length} unfinished runs of nodes that are gone`);
    return page.length;
  }

  /** Forgets everything: this node has none of its runs any more. */
  clear(): void {
    this.unsure = [];
  }

  private async takePage(nodeId: string): Promise<TakenOver[]> {
    const { journal } = this;
    let orphans: readonly Orphan[] = [];
    try {
      return await journal.store.db.transaction().execute(async (db) => {
        orphans = await this.lockOrphans(db, nodeId);
        const numbers = orphans.map(({ number }) => number);
        // Before they are read: what other nodes commit of them after that must reach this one.
        journal.expect(orphans.map(({ id }) => id));
        const taken = await this.divide(db, numbers);
        const left = orphans.filter(({ id }) => !taken.some(({ run }) => run.id === id));
        journal.expectNoMore(left.map(({ id }) => id));
        await sql`
          UPDATE frontrunner.runs SET node = ${nodeId} WHERE number = ANY (${numbers})`.execute(db);
        this.unsure = [];
        return taken;
      });
    } catch (error) {
      journal.expectNoMore(orphans.map(({ id }) => id));
      this.unsure = [...new Set([...this.unsure, ...orphans.map(({ number }) => number)])];
      throw error;
    }
  }

  /** Runs whose node is gone, and those that it took over without knowing. */
  private async lockOrphans(db: Transaction<Schema>, nodeId: string): Promise<readonly Orphan[]> {
    const tasks = this.registry.all().map(({ name }) => name);
    const { rows } = await sql<Orphan>`
      SELECT number, id FROM frontrunner.runs
      WHERE finished_at IS NULL
        AND (NOT EXISTS (SELECT FROM frontrunner.nodes WHERE nodes.id = runs.node)
          OR (number = ANY (${this.unsure}::bigint[]) AND node = ${nodeId}))
        AND (task = ANY (${tasks}::text[])
          OR NOT EXISTS (SELECT FROM frontrunner.nodes WHERE runs.task = ANY (nodes.tasks)))
      ORDER BY number LIMIT ${PAGE} FOR UPDATE SKIP LOCKED`.execute(db);
    return rows;
  }

  /** Sends those sub-tasks on their way that are not held, as they stand. */
  private async divide(db: Transaction<Schema>, numbers: readonly number[]): Promise<TakenOver[]> {
    if (numbers.length === 0) return [];
    // In this order: a sub-task that ends in between is in its events, and one that isn't placed now never will be by others.
    const placed = await db
      .selectFrom('placed')
      .select(['run', 'sub_task'])
      .where('run', 'in', numbers)
      .execute();
    const rows = await new PostgresStore(db).eventsOfNumbers(numbers);
    const sent: (PlacedSubTask & { readonly number: number })[] = [];
    const taken = [...Map.groupBy(rows, ({ run }) => run)].flatMap(([number, rowsOfRun]) => {
      const run = this.legible(rowsOfRun);
      if (!run) return [];
      const unfinished = run.subTasks.filter(({ finishedAt }) => finishedAt === null).map(({ name }) => name);
      const already = unfinished.filter((name) =>
        placed.some((row) => row.run === number && row.sub_task === name),
      );
      const toSend = this.toSend(run, already);
      sent.push(...toSend.map((subTask) => ({ ...subTask, number })));
      return [{ run, placed: [...already, ...toSend.map(({ subTask }) => subTask)] }];
    });
    if (sent.length === 0) return taken;
    await db
      .insertInto('placed')
      .values(
        sent.map(({ number, subTask, attempts, worker, dueAt }) => ({
          run: number,
          sub_task: subTask,
          attempt: attempts,
          node: null,
          deliveries: 0,
          worker,
          due_at: dueAt ?? sql<Date>`clock_timestamp()`,
        })),
      )
      .execute();
    await this.journal.queue?.send(sent, fromKysely(db));
    return taken;
  }

  private toSend(run: Readonly<RunRecord>, already: readonly string[]): PlacedSubTask[] {
    const task = this.registry.find(run.task);
    if (!task) return [];
    return run.subTasks.flatMap(({ name, status, attempts, finishedAt, retryAt }) => {
      if (finishedAt !== null || already.includes(name)) return [];
      const at = task.subTasks.findIndex((subTask) => subTask.name === name);
      const definition = task.subTasks[at];
      if (!definition || (status === 'pending' && task.starts[at] !== 'at-once')) return [];
      const worker = definition.placement === 'worker';
      const dueAt = retryAt === null ? undefined : new Date(retryAt);
      return [{ runId: run.id, task: run.task, subTask: name, attempts, worker, dueAt }];
    });
  }

  private async resume({ run, placed }: TakenOver, isOurs: () => boolean): Promise<void> {
    const { journal, runs } = this;
    try {
      const terms = await this.recorded.termsOf(run);
      if (runs.stopping || !isOurs()) return;
      const live = runs.resume(terms, run, placed);
      if (live.shared) journal.share(live);
    } catch (error) {
      this.logger.error({ msg: `Could not be taken over: ${textOf(error)}`, runId: run.id });
    } finally {
      journal.expectNoMore([run.id]);
    }
  }

  /** One run that is damaged keeps no other from being gone on with. */
  private legible(rows: Parameters<typeof eventsOf>[0]): RunRecord | undefined {
    try {
      return runOf(eventsOf(rows));
    } catch (error) {
      const msg = `Can’t be read, and so not gone on with: ${textOf(error)}`;
      this.logger.error({ msg, runId: rows[0]?.run_id });
      return undefined;
    }
  }
}
