import type { Logger } from '@nestjs/common';
import type { EventBus } from '../events/event-bus.js';
import { recordOf } from '../journal/postgres/commit-reader.js';
import type { PostgresJournal } from '../journal/postgres/postgres-journal.js';
import type { SubTaskJob } from '../journal/postgres/sub-task-queue.js';
import type { GuestSubTask } from '../run/guest-sub-task.js';
import type { Runs } from '../run/runs.js';
import type { RecordedRuns } from '../tasks/recorded-runs.js';
import { outcomeOf } from '../core/outcome.js';
import type { RunRecord } from '../core/run-record.js';
import type { TaskRegistry } from '../tasks/task-registry.js';
import { textOf } from '../core/thrown.js';
import { loggerOf } from '../core/logger-of.js';
import type { ClusterStore, SubTaskOf, TakenSubTask } from './cluster-store.js';

/** Delay before work that no node can begin now is delivered again, in milliseconds. */
const PASS_ON_MS = 500;
/**
 * How long a node takes no deliveries after it has passed on work for others, in milliseconds. Otherwise it might be the first to get
 * that work again.
 */
const REST_MS = 100;

/** Takes on sub-tasks that left the nodes of their runs, as far as this node has room for them. */
export class PlacedWork {
  private readonly logger = loggerOf('node');
  /** The sub-tasks that this node has taken on, by run and sub-task. */
  private readonly taken = new Map<string, Taken>();
  /** Whether this node takes no deliveries for now: until there is room, or its rest is over. */
  isResting = false;
  /** Called when the rest is over. */
  onRested: () => void = () => undefined;
  private rested: NodeJS.Timeout | undefined;
  /** Sub-tasks that this node may have taken on without knowing it, and must give back. */
  private unsure: SubTaskOf[] = [];
  private knownDead = 0;

  constructor(
    private readonly journal: PostgresJournal,
    private readonly store: ClusterStore,
    private readonly bus: EventBus,
    private readonly runs: Runs,
    private readonly registry: TaskRegistry,
    private readonly recorded: RecordedRuns,
  ) {}

  /**
   * Takes on as many sub-tasks as there is room for. Passes the rest on, ahead of later ones, and passes on sub-tasks that only other
   * nodes know. All jobs must be from one queue. Sub-tasks that no node knows stay in `placed`: a node that knows them sends them again
   * when it starts.
   */
  async take(jobs: readonly SubTaskJob[]): Promise<void> {
    const { paused } = this.journal.sharing;
    const isPaused = ({ task }: SubTaskJob): boolean => paused.has(task);
    const ours = jobs.filter((job) => this.knows(job) && !isPaused(job));
    const fitting = ours.slice(0, this.runs.freeSlots);
    const left = ours.slice(fitting.length);
    const { now, later } = await this.knownElsewhere(jobs);
    if (left.length + now.length > 0) await this.rest();
    if (left.length === 0 && now.length > 0) {
      clearTimeout(this.rested);
      this.rested = setTimeout(this.onRested, REST_MS);
    }
    await this.journal.queue?.send(left.map((job, at) => ({ ...job, priority: left.length - at })));
    await this.passOn(now, 0);
    await this.passOn([...later, ...jobs.filter((job) => this.knows(job) && isPaused(job))], PASS_ON_MS);
    if (fitting.length > 0) await this.takeOurs(fitting);
  }

  /** Stops taking deliveries for now: otherwise sub-tasks that are passed on would come back here. */
  private async rest(): Promise<void> {
    this.isResting = true;
    await this.journal.queue?.rest();
  }

  /** Sends jobs anew, for any node. They are not returned as failed deliveries, because those are counted. */
  private async passOn(jobs: readonly SubTaskJob[], delayMs: number): Promise<void> {
    if (jobs.length > 0) await this.journal.queue?.send(jobs.map((job) => ({ ...job, delayMs })));
  }

  /** Gives back sub-tasks that this node may have taken on without knowing it. @returns whether there were any */
  async giveBack(): Promise<boolean> {
    const { unsure } = this;
    if (unsure.length === 0) return false;
    const buried = await this.store.giveBack(
      this.journal.sharing.nodeId,
      unsure.filter((subTask) => !this.taken.has(keyOf(subTask))),
    );
    this.unsure = this.unsure.filter((subTask) => !unsure.includes(subTask));
    reportBuried(this.logger, buried);
    return true;
  }

  /** Logs new dead letters: the queue reports to nobody that it gave up a delivery. */
  async reportDead(): Promise<number> {
    const dead = (await this.journal.queue?.dead()) ?? 0;
    if (dead > this.knownDead)
      this.logger.error(
        `${dead} sub-tasks wait in the dead-letter queue, and their runs with them; frontrunner queue list says which and why`,
      );
    return (this.knownDead = dead);
  }

  /** Forgets all sub-tasks: other nodes have them now. */
  clear(): void {
    clearTimeout(this.rested);
    for (const { unwatch } of this.taken.values()) unwatch();
    this.taken.clear();
    this.unsure = [];
  }

  private knows({ task, subTask }: SubTaskJob): boolean {
    return this.registry.find(task)?.subTasks.some(({ name }) => name === subTask) ?? false;
  }

  /** The jobs that only other nodes know: `now` where such a node has room, else `later`. */
  private async knownElsewhere(
    jobs: readonly SubTaskJob[],
  ): Promise<{ now: readonly SubTaskJob[]; later: readonly SubTaskJob[] }> {
    const unknown = jobs.filter((job) => !this.knows(job));
    if (unknown.length === 0) return { now: [], later: [] };
    const nameOf = ({ task, subTask }: SubTaskJob): string => `${task}/${subTask}`;
    const known = await this.store.known(unknown.map(nameOf), unknown[0]?.worker ?? false);
    const thoseOf = (idle: boolean) => unknown.filter((job) => known.get(nameOf(job)) === idle);
    return { now: thoseOf(true), later: thoseOf(false) };
  }

  private async takeOurs(jobs: readonly SubTaskJob[]): Promise<void> {
    const { nodeId } = this.journal.sharing;
    try {
      let taken: readonly TakenSubTask[] = await this.store.takeOn(nodeId, jobs);
      while (taken.length > 0) {
        const runs = await this.journal.store.log.runs([...new Set(taken.map(({ runId }) => runId))]);
        for (const subTask of taken) {
          const run = runs.get(subTask.runId);
          if (!run) continue;
          // This node was taken for dead meanwhile: other nodes have what it took on.
          if (this.journal.sharing.nodeId !== nodeId) return;
          const job = jobs.find(
            ({ runId, subTask: name }) => runId === subTask.runId && name === subTask.subTask,
          );
          await this.begin(recordOf(run), subTask, job);
        }
        taken = taken.filter(({ runId }) => !runs.has(runId));
      }
    } catch (error) {
      this.unsure.push(...jobs);
      this.logger.warn(`Sub-tasks of other nodes could not be begun, and are given back: ${textOf(error)}`);
    }
  }

  private async begin(record: RunRecord, { subTask: name }: TakenSubTask, job?: SubTaskJob): Promise<void> {
    const key = keyOf({ runId: record.id, subTask: name });
    this.leave(key);
    const unwatch = this.bus.watch(record.id, (event) => {
      // The bus may be behind, and deliver an earlier outcome, from before the sub-task was retried on request.
      if (event.id <= record.lastEventId) return;
      if ('subTask' in event && event.subTask === name && outcomeOf(event)) this.leave(key);
    });
    const taken: Taken = { unwatch, guest: undefined };
    this.taken.set(key, taken);
    const terms = await this.recorded.termsOf(record, false);
    // The sub-task may have ended meanwhile, or belong to another node.
    if (this.runs.stopping || this.taken.get(key) !== taken) return;
    taken.guest = this.runs.takeOn(terms, record, name, () => {
      if (this.taken.get(key) === taken) this.leave(key);
    });
    taken.guest.begin(job?.cause);
  }

  /** Called when a sub-task has ended or belongs to another node. */
  private leave(key: string): void {
    const taken = this.taken.get(key);
    this.taken.delete(key);
    taken?.unwatch();
    taken?.guest?.leave();
  }
}

interface Taken {
  /** Ends the watch for the sub-task's outcome. */
  readonly unwatch: () => void;
  guest: GuestSubTask | undefined;
}

/** Logs sub-tasks that can't go on until an operator has looked into them. */
export function reportBuried(logger: Logger, subTasks: readonly SubTaskOf[]): void {
  for (const { runId, subTask } of subTasks)
    logger.error({
      msg: `${subTask} was under way in too many nodes that died, and waits in the dead-letter queue; frontrunner queue redrive lets it go on`,
      runId,
    });
}

function keyOf({ runId, subTask }: SubTaskOf): string {
  return `${runId}/${subTask}`;
}
