import { Injectable } from '@nestjs/common';
import { EmbeddedEngine } from '../run/embedded-engine.js';
import { Journal } from '../run/journal.js';
import type { RunCommand } from '../run/sharing.js';
import { DomainError } from '../core/domain-error.js';
import { memoryBytes } from '../core/json.js';
import { Recovery } from './recovery.js';
import { RunCoordinator } from '../run/run-coordinator.js';
import { RunResumer } from './run-resumer.js';
import { RunWatch } from './run-watch.js';
import type { AttemptError } from '../core/run.js';
import type { RunRecord, SubTaskRecord } from '../core/run-record.js';
import { TaskRegistry } from './task-registry.js';
import { Turns } from './turns.js';

/** The reason of sub-tasks that a caller's cancel ended. */
const CANCELLED = 'cancelled on request';
/** How long a cancel waits for the commit of the run's end, and a retry for the node that follows the run, in milliseconds. */
const WAIT_MS = 10_000;

/** What callers may do to a run that was started. */
@Injectable()
export class RunControl {
  private readonly turns = new Turns();

  constructor(
    private readonly registry: TaskRegistry,
    private readonly engine: EmbeddedEngine,
    private readonly journal: Journal,
    private readonly coordinator: RunCoordinator,
    private readonly recovery: Recovery,
    private readonly resumer: RunResumer,
    private readonly watch: RunWatch,
  ) {}

  /**
   * Cancels what is unfinished of a run. Doing so again changes nothing.
   *
   * @returns the run as that leaves it
   * @throws {DomainError} `run-unknown`, `run-finished` when it finished otherwise, `journal-unavailable`, `stopping`
   */
  cancel(id: string): Promise<Readonly<RunRecord>> {
    return this.turns.take(id, async () => {
      let run = await this.followed(id);
      if (run.finishedAt === null) {
        if (this.isElsewhere(run)) await this.journal.sharing?.command({ runId: id, kind: 'cancel' });
        else this.engine.cancel(id, CANCELLED);
        run = await this.watch.when(id, isFinished, {
          waitMs: WAIT_MS,
          types: ['run.finished'],
          throughStop: true,
        });
      }
      if (run.finishedAt === null || run.subTasks.some(({ reason }) => reason === CANCELLED)) return run;
      throw new DomainError('run-finished', `The run has finished before: it ${run.status}`, { runId: id });
    });
  }

  /**
   * Runs a failed sub-task again, as one further attempt; a run that was finished goes on until it has ended.
   *
   * @returns the run as that leaves it
   * @throws {DomainError} `run-unknown`, `sub-task-unknown`, `sub-task-not-failed`, `overloaded`, `journal-unavailable`,
   * `stopping`
   */
  retry(id: string, name: string): Promise<Readonly<RunRecord>> {
    return this.turns.take(id, async () => {
      for (;;) {
        const run = await this.followed(id);
        const { attempts, error } = failedSubTask(run, name);
        if (this.isElsewhere(run)) {
          const retried = await this.retryElsewhere(run, name);
          // It has come to its end before the other node could retry the sub-task.
          if (retried.finishedAt !== null && isFailed(retried, name)) continue;
          return retried;
        }
        this.admit(run);
        // One that has come to its end since it was read is read again.
        if (run.finishedAt === null && !this.coordinator.unsettle(id, name)) continue;
        if (run.finishedAt !== null && !(await this.journal.reopen(run))) continue;
        await this.journal.append({
          type: 'sub-task.retrying',
          runId: id,
          task: run.task,
          subTask: name,
          attempt: attempts,
          data: { error, delayMs: 0, dueAt: new Date().toISOString() },
        });
        await this.resumer.resumeOne(await this.watch.get(id), name);
        return this.watch.get(id);
      }
    });
  }

  /**
   * Does what a caller has asked of another node, and resolves when that is recorded. What doesn't fit any more is nobody's
   * mistake.
   */
  async perform({ runId, kind, subTask = '' }: RunCommand): Promise<void> {
    if (kind === 'cancel') this.engine.cancel(runId, CANCELLED);
    else await this.retry(runId, subTask).catch(ignoreRefusal);
    await this.watch.get(runId);
  }

  private isElsewhere({ id, finishedAt }: Readonly<RunRecord>): boolean {
    return this.journal.sharing !== undefined && finishedAt === null && !this.coordinator.follows(id);
  }

  private async retryElsewhere({ id }: Readonly<RunRecord>, name: string): Promise<Readonly<RunRecord>> {
    await this.journal.sharing?.command({ runId: id, kind: 'retry', subTask: name });
    const until = performance.now() + WAIT_MS;
    const isTaken = ({ finishedAt, subTasks }: Readonly<RunRecord>) =>
      finishedAt !== null ||
      subTasks.some((subTask) => subTask.name === name && subTask.status === 'running');
    for (;;) {
      const waitMs = Math.max(0, until - performance.now());
      const run = await this.watch.when(id, isTaken, { waitMs });
      if (isTaken(run) || performance.now() >= until || this.engine.stopping) return run;
    }
  }

  /**
   * The run, followed in this process unless it is finished or another node's: one of an earlier process is taken up before its
   * turn.
   */
  private async followed(id: string): Promise<Readonly<RunRecord>> {
    const follows = this.coordinator.follows(id);
    const run = await this.watch.get(id);
    if (run.finishedAt !== null || follows || this.isElsewhere(run)) return run;
    if (await this.recovery.takeUp(run)) return this.watch.get(id);
    throw new DomainError('stopping', 'The service is stopping; its next start goes on with the run', {
      runId: id,
    });
  }

  private admit({ task, input }: RunRecord): void {
    this.engine.admit(this.registry.find(task), memoryBytes(input));
  }
}

function isFailed({ subTasks }: Readonly<RunRecord>, name: string): boolean {
  return subTasks.some((subTask) => subTask.name === name && subTask.status === 'failed');
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof DomainError)) throw error;
}

export function isFinished({ finishedAt }: Readonly<RunRecord>): boolean {
  return finishedAt !== null;
}

function failedSubTask(run: RunRecord, name: string): SubTaskRecord & { error: AttemptError } {
  const subTask = run.subTasks.find((candidate) => candidate.name === name);
  if (!subTask) {
    const names = run.subTasks.map((candidate) => candidate.name).join(', ');
    throw new DomainError(
      'sub-task-unknown',
      `The run has no sub-task ${JSON.stringify(name)}; it has ${names}`,
      { runId: run.id },
    );
  }
  const { status, error } = subTask;
  if (status === 'failed' && error) return { ...subTask, error };
  throw new DomainError('sub-task-not-failed', `${name} can’t be retried: its status is ${status}`, {
    runId: run.id,
  });
}
