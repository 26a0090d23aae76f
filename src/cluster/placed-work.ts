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

/** When what can't be begun anywhere at the moment is delivered again, in milliseconds from then. */
const PASS_ON_MS = 500;
/** For how long a node takes nothing when it passes on what is for others, in milliseconds: else it may be the first to get it again. */
const REST_MS = 100;

/** Takes on sub-tasks that left the nodes of their runs, as far as this node has room for them. */
export class PlacedWork {
  private readonly logger = loggerOf('node');
  /** What this node has taken on, by run and sub-task. */
  private readonly taken = new Map<string, Taken>();
  /** Whether it takes nothing more until somebody lets it begin again: when there is room, or it has rested. */
  isResting = false;
  /** Called when it has rested. */
  onRested: () => void = () => undefined;
  private rested: NodeJS.Timeout | undefined;
  /** What it may have taken on without knowing, and is to give back. */
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
   * Takes on as much as there is room for, and passes on the rest, in front of what came later, and what only other nodes know. All come from
   * one queue. What no node knows stays in `placed`: a node that knows it sends it again when it starts.
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

  /** Takes nothing more for now: else what it passes on would come back. */
  private async rest(): Promise<void> {
    this.isResting = true;
    await this.journal.queue?.rest();
  }

  /** Anew, and not as deliveries that failed, which are counted. It comes to whichever node is there then. */
  private async passOn(jobs: readonly SubTaskJob[], delayMs: number): Promise<void> {
    if (jobs.length > 0) await this.journal.queue?.send(jobs.map((job) => ({ ...job, delayMs })));
  }

  /** Gives back what it may have taken on without knowing. @returns whether there was anything */
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

  /** A delivery that the queue gave up has told nobody of it. */
  async reportDead(): Promise<number> {
    const dead = (await this.journal.queue?.dead()) ?? 0;
    if (dead > this.knownDead)
      this.logger.error(
        `${dead} sub-tasks wait in the dead-letter queue, and their runs with them; frontrunner queue list says which and why`,
      );
    return (this.knownDead = dead);
  }

  /** Forgets everything: others have all of it now. */
  clear(): void {
    clearTimeout(this.rested);
    for (const { unwatch } of this.taken.values()) unwatch();
    this.taken.clear();
    this.unsure = [];
  }

  private knows({ task, subTask }: SubTaskJob): boolean {
    return this.registry.find(task)?.subTasks.some(({ name }) => name === subTask) ?? false;
  }

  /** Those that only other nodes know, and of these apart those that could begin now. */
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
          // It was taken for dead meanwhile: others have what it took on.
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
      // It may hear only now of the outcome before a retry on request.
      if (event.id <= record.lastEventId) return;
      if ('subTask' in event && event.subTask === name && outcomeOf(event)) this.leave(key);
    });
    const taken: Taken = { unwatch, guest: undefined };
    this.taken.set(key, taken);
    const terms = await this.recorded.termsOf(record, false);
    // It may have ended meanwhile, or be another node's.
    if (this.runs.stopping || this.taken.get(key) !== taken) return;
    taken.guest = this.runs.takeOn(terms, record, name, () => {
      if (this.taken.get(key) === taken) this.leave(key);
    });
    taken.guest.begin(job?.cause);
  }

  /** It has ended, or is another node's now. */
  private leave(key: string): void {
    const taken = this.taken.get(key);
    this.taken.delete(key);
    taken?.unwatch();
    taken?.guest?.leave();
  }
}

interface Taken {
  /** Ends the watch over its outcome. */
  readonly unwatch: () => void;
  guest: GuestSubTask | undefined;
}

/** Says what can't go on before somebody has looked into it. */
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
