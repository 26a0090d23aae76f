import { sql, type Transaction } from 'kysely';
import { fromKysely } from 'pg-boss';
import type { Runs } from '../run/runs.js';
import type { PostgresJournal } from '../journal/postgres/postgres-journal.js';
import type { Schema } from '../journal/postgres/postgres-schema.js';
import { CommitReader, recordOf, type RecordedRun } from '../journal/postgres/commit-reader.js';
import { knowsUnfinished, subTasksToSend } from './left-sub-tasks.js';
import { Orphans, type Orphan } from './orphans.js';
import type { PlacedSubTask } from '../run/sharing.js';
import type { RecordedRuns } from '../tasks/recorded-runs.js';
import type { RunRecord } from '../core/run-record.js';
import type { TaskRegistry } from '../tasks/task-registry.js';
import { textOf } from '../core/thrown.js';
import { loggerOf } from '../core/logger-of.js';

interface TakenOver {
  readonly run: RunRecord;
  /** The sub-tasks that are with another node, or on their way to one. */
  readonly placed: readonly string[];
}

/**
 * Resumes the runs of nodes that are gone. Their sub-tasks go through the queue, in the same transaction, to any node that takes them on.
 * Sub-tasks that are held stay with the node that executes the run.
 */
export class Takeover {
  /** How long this node leaves a run that it could not resume to other nodes, in milliseconds. */
  static readonly retryMs: number = 5_000;
  /** How long this node leaves a run with sub-tasks that it doesn't know to other nodes, in milliseconds. */
  static readonly unfitMs: number = 30_000;
  private readonly logger = loggerOf('node');
  private readonly orphans = new Orphans();
  /** Runs that this node has claimed, or may have, and has not begun, by their numbers. */
  private unsure: number[] = [];
  /** Runs that this node can't resume, by number, and until when it leaves them to others, on the clock of `performance.now()`. */
  private readonly failed = new Map<number, number>();

  constructor(
    private readonly journal: PostgresJournal,
    private readonly runs: Runs,
    private readonly registry: TaskRegistry,
    private readonly recorded: RecordedRuns,
  ) {}

  /**
   * Takes over some orphaned runs, as far as there is memory for them. Nodes that do the same meanwhile take other runs.
   *
   * @returns how many
   */
  async takeOver(): Promise<number> {
    const { sharing } = this.journal;
    const { nodeId } = sharing;
    const isOurs = (): boolean => sharing.nodeId === nodeId;
    if (!this.runs.admission.hasRoom) return 0;
    const page = await this.takePage(nodeId);
    // If this node is taken for dead meanwhile, the runs are no longer its own, and other nodes resume them.
    for (const taken of page) if (isOurs()) await this.resume(taken, isOurs);
    if (page.length > 0) this.logger.log(`Took over ${page.length} unfinished runs of nodes that are gone`);
    return page.length;
  }

  /** Sets aside the runs over which several nodes in a row died. */
  setAside(): Promise<void> {
    return this.orphans.setAside(this.journal.store.db);
  }

  /** Forgets all claims: this node has none of its runs any more. */
  clear(): void {
    this.unsure = [];
  }

  private async takePage(nodeId: string): Promise<readonly TakenOver[]> {
    const { sharing, store } = this.journal;
    const orphans = await this.claim(nodeId);
    if (orphans.length === 0) return [];
    try {
      return await store.db.transaction().execute(async (db) => {
        // Registered before the runs are read: this node must learn of events that other nodes commit after that.
        sharing.expect(orphans.map(({ id }) => id));
        const { taken, released } = await this.divide(db, orphans);
        const left = orphans.filter(({ id }) => !taken.some(({ run }) => run.id === id));
        sharing.expectNoMore(left.map(({ id }) => id));
        await this.record(db, nodeId, orphans, released);
        this.unsure = [];
        return taken;
      });
    } catch (error) {
      sharing.expectNoMore(orphans.map(({ id }) => id));
      throw error;
    }
  }

  /** Claims orphaned runs in a transaction of its own, before the runs are read: see {@link Orphans}. */
  private async claim(nodeId: string): Promise<readonly Orphan[]> {
    const { orphans } = this;
    const { db } = this.journal.store;
    const unsure = await orphans.claimed(db, nodeId, this.unsure);
    this.unsure = unsure.map(({ number }) => number);
    if (unsure.length > 0) return unsure;
    const tasks = this.registry.all().map(({ name }) => name);
    for (const [number, until] of this.failed) if (until < performance.now()) this.failed.delete(number);
    await orphans.setAside(db);
    return db.transaction().execute(async (transaction) => {
      const locked = await orphans.lock(transaction, nodeId, tasks, [...this.failed.keys()]);
      this.unsure = locked.map(({ number }) => number);
      if (locked.length > 0) await orphans.claim(transaction, nodeId, this.unsure);
      return locked;
    });
  }

  /** Keeps the runs that this node resumes, and those that no node can read. Releases the others for any node. */
  private async record(
    db: Transaction<Schema>,
    nodeId: string,
    all: readonly Orphan[],
    released: readonly number[],
  ): Promise<void> {
    const ours = all.map(({ number }) => number).filter((number) => !released.includes(number));
    await sql`DELETE FROM waiting_runs WHERE run = ANY (${ours}::bigint[])`.execute(db);
    if (released.length === 0) return;
    await this.orphans.release(db, nodeId, released);
    const unfit = released.filter((number) => this.failed.has(number));
    await sql`
      INSERT INTO waiting_runs (run) SELECT unnest(${unfit}::bigint[]) ON CONFLICT DO NOTHING`.execute(db);
  }

  /** Decides which runs this node resumes, and sends their sub-tasks that are not held to the queue. */
  private async divide(
    db: Transaction<Schema>,
    orphans: readonly Orphan[],
  ): Promise<{ taken: readonly TakenOver[]; released: readonly number[] }> {
    const numbers = orphans.map(({ number }) => number);
    // `placed` is read before the events. If a sub-task ends in between, its events show that. No other node can place a sub-task in
    // between.
    const placed = await db
      .selectFrom('placed')
      .select(['run', 'sub_task'])
      .where('run', 'in', numbers)
      .execute();
    const recorded = await new CommitReader(db).runs(orphans.map(({ id }) => id));
    const sent: (PlacedSubTask & { readonly number: number })[] = [];
    const kept: typeof sent = [];
    const released: number[] = [];
    const taken = orphans.flatMap(({ number, id, cancelled }) => {
      const found = recorded.get(id);
      const run = found && this.legible(id, found);
      const task = run && this.registry.find(run.task);
      const isUnfit = run && !cancelled && !knowsUnfinished(task, run);
      if (isUnfit) this.failed.set(number, performance.now() + Takeover.unfitMs);
      // Runs that were claimed but don't fit into memory are released for any node.
      if (isUnfit || !found) released.push(number);
      if (!run || isUnfit) return [];
      const unfinished = run.subTasks.filter(({ finishedAt }) => finishedAt === null).map(({ name }) => name);
      const already = unfinished.filter((name) =>
        placed.some((row) => row.run === number && row.sub_task === name),
      );
      const toSend = subTasksToSend(task, run, already, cancelled, this.journal.now());
      (cancelled ? kept : sent).push(...toSend.map((subTask) => ({ ...subTask, number })));
      return [{ run, placed: [...already, ...toSend.map(({ subTask }) => subTask)] }];
    });
    if (sent.length + kept.length === 0) return { taken, released };
    await db
      .insertInto('placed')
      .values(
        [...sent, ...kept].map(({ number, subTask, attempts, worker, delayMs = 0 }) => ({
          run: number,
          sub_task: subTask,
          attempt: attempts,
          node: null,
          deliveries: 0,
          worker,
          due_at: sql<Date>`clock_timestamp() + ${delayMs} * interval '1 ms'`,
        })),
      )
      .execute();
    await this.journal.queue?.send(sent, fromKysely(db));
    return { taken, released };
  }

  private async resume({ run, placed }: TakenOver, isOurs: () => boolean): Promise<void> {
    const { sharing } = this.journal;
    const { runs } = this;
    try {
      const terms = await this.recorded.termsOf(run);
      if (runs.stopping || !isOurs()) return;
      const live = runs.resume(terms, run, placed);
      if (live.shared) sharing.share(live);
    } catch (error) {
      this.logger.error({
        msg: `Could not be taken over, and is left to any node: ${textOf(error)}`,
        runId: run.id,
        task: run.task,
      });
      if (isOurs()) await this.letGo(run);
    } finally {
      sharing.expectNoMore([run.id]);
    }
  }

  /** Releases a run that could not be resumed. This node takes it over again only after a while: at once, it would fail again. */
  private async letGo({ id, firstEventId: number }: RunRecord): Promise<void> {
    const { journal, runs } = this;
    const { nodeId } = journal.sharing;
    this.failed.set(number, performance.now() + Takeover.retryMs);
    runs.get(id)?.leave();
    try {
      // Events that this node has appended must be in the log before another node reads the run.
      await journal.committed(id);
      await this.orphans.letGo(journal.store.db, nodeId, number);
    } catch {
      // The run may still belong to this node, which will take it over again.
      this.unsure.push(number);
    }
  }

  /** A damaged run doesn't keep the other runs from being resumed. */
  private legible(runId: string, recorded: RecordedRun): RunRecord | undefined {
    try {
      return recordOf(recorded);
    } catch (error) {
      const msg = `Can’t be read, and so not gone on with: ${textOf(error)}`;
      this.logger.error({ msg, runId });
      return undefined;
    }
  }
}
