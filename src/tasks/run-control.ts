import { Injectable } from '@nestjs/common';
import { Journal } from '../run/journal.js';
import { Runs } from '../run/runs.js';
import type { RunCommand } from '../run/sharing.js';
import { DomainError } from '../core/domain-error.js';
import { Recovery } from './recovery.js';
import { RecordedRuns } from './recorded-runs.js';
import { RunWatch } from './run-watch.js';
import type { RunRecord } from '../core/run-record.js';
import { Turns } from './turns.js';

/** The reason of sub-tasks that a caller's cancel ended. */
const CANCELLED = 'cancelled on request';
/** How long a cancel waits for the commit of the run's end, and a retry for the node that executes the run, in milliseconds. */
const WAIT_MS = 10_000;

/** What callers may do to a run that was started. */
@Injectable()
export class RunControl {
  private readonly turns = new Turns();

  constructor(
    private readonly runs: Runs,
    private readonly journal: Journal,
    private readonly recovery: Recovery,
    private readonly recorded: RecordedRuns,
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
      let run = await this.current(id);
      if (run.finishedAt === null) {
        const live = this.runs.get(id);
        if (live) live.cancel(CANCELLED);
        else await this.journal.sharing?.command({ runId: id, kind: 'cancel' });
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
        const run = await this.current(id);
        assertFailed(run, name);
        if (this.isElsewhere(run)) {
          const retried = await this.retryElsewhere(run, name);
          // It has come to its end before the other node could retry the sub-task.
          if (retried.finishedAt !== null && isFailed(retried, name)) continue;
          return retried;
        }
        // What has changed since it was read is read again.
        if (await this.retryHere(run, name)) return this.watch.get(id);
      }
    });
  }

  /**
   * Does what a caller has asked of another node, and resolves when that is recorded. What doesn't fit any more is nobody's
   * mistake.
   */
  async perform({ runId, kind, subTask = '' }: RunCommand): Promise<void> {
    if (kind === 'cancel') this.runs.get(runId)?.cancel(CANCELLED);
    else await this.retry(runId, subTask).catch(ignoreRefusal);
    await this.watch.get(runId);
  }

  /** False when the run has changed since it was read. */
  private async retryHere(record: Readonly<RunRecord>, name: string): Promise<boolean> {
    const live = this.runs.get(record.id);
    if (!live && record.finishedAt === null) return false;
    const terms = live?.terms ?? (await this.recorded.termsOf(record));
    this.runs.admit(terms.definition, terms.inputBytes);
    if (live) return live.retry(name);
    const run = this.runs.reopen(terms, record);
    return (await run.reopened) && run.retry(name);
  }

  private isElsewhere({ id, finishedAt }: Readonly<RunRecord>): boolean {
    return this.journal.sharing !== undefined && finishedAt === null && !this.runs.get(id);
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
      if (isTaken(run) || performance.now() >= until || this.runs.stopping) return run;
    }
  }

  /** The run, live in this process unless it is finished or another node's: one of an earlier process is resumed before its turn. */
  private async current(id: string): Promise<Readonly<RunRecord>> {
    const live = this.runs.get(id);
    const wasOver = live?.isOver;
    const run = await this.watch.get(id);
    if (run.finishedAt !== null || this.isElsewhere(run)) return run;
    if (wasOver)
      throw new DomainError('journal-unavailable', 'The run has ended, but its end can’t be written');
    if (live || (await this.recovery.resume(run))) return this.watch.get(id);
    throw new DomainError('stopping', 'The service is stopping; its next start goes on with the run', {
      runId: id,
    });
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

/** @throws {DomainError} when a sub-task of a run has not failed */
function assertFailed(run: Readonly<RunRecord>, name: string): void {
  const subTask = run.subTasks.find((candidate) => candidate.name === name);
  if (!subTask) {
    const names = run.subTasks.map((candidate) => candidate.name).join(', ');
    throw new DomainError(
      'sub-task-unknown',
      `The run has no sub-task ${JSON.stringify(name)}; it has ${names}`,
      { runId: run.id },
    );
  }
  const { status } = subTask;
  if (status === 'failed') return;
  throw new DomainError('sub-task-not-failed', `${name} can’t be retried: its status is ${status}`, {
    runId: run.id,
  });
}
