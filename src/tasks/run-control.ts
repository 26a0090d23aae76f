import { Injectable } from '@nestjs/common';
import { Journal } from '../run/journal.js';
import type { Run } from '../run/run.js';
import { Runs } from '../run/runs.js';
import type { RunCommand } from '../run/sharing.js';
import { DomainError } from '../core/domain-error.js';
import { digestOf, type ClientKey } from './idempotent-runs.js';
import { Recovery } from './recovery.js';
import type { Commanded } from './commanded.js';
import { CANCELLED, isCancelled, isFinished } from './finished-run.js';
import { failedSubTask, isRetried, subTaskOfKey } from './failed-sub-task.js';
import { RecordedRuns } from './recorded-runs.js';
import { RunWatch } from './run-watch.js';
import type { RunRecord } from '../core/run-record.js';
import type { SubTaskRecord } from '../core/sub-task-record.js';
import { obstacleOf } from '../run/run-terms.js';
import { Turns } from './turns.js';

/** Codes of errors that pass. A command that fails with one of them is tried again. */
const PASSING: ReadonlySet<string> = new Set(['overloaded', 'journal-unavailable', 'stopping']);

type RunCheck = (run: Readonly<RunRecord>) => void;

/** The commands that callers may give a run. */
@Injectable()
export class RunControl {
  /** How long a caller waits for a command's effect to be recorded, in milliseconds. */
  static readonly waitMs: number = 10_000;
  private readonly turns = new Turns();

  constructor(
    private readonly runs: Runs,
    private readonly journal: Journal,
    private readonly recovery: Recovery,
    private readonly recorded: RecordedRuns,
    private readonly watch: RunWatch,
  ) {}

  /**
   * Cancels a run's unfinished sub-tasks. A second cancel changes nothing.
   *
   * @param check gets the run, and may throw to refuse the command. Default: no check
   * @throws {DomainError} `run-unknown`, `run-finished` when it finished otherwise, `journal-unavailable`, `stopping`
   */
  cancel(id: string, check?: RunCheck): Promise<Commanded> {
    return this.turns.take(id, async () => {
      let run = await this.current(id);
      if (run.finishedAt === null || isCancelled(run)) check?.(run);
      if (run.finishedAt === null) {
        const live = this.runs.get(id);
        live?.cancel(CANCELLED);
        const options = { until: this.watch.elapsed + RunControl.waitMs, types: ['run.finished'] as const };
        if (live) run = await this.watch.until(id, isFinished, { ...options, live, throughStop: true });
        if (run.finishedAt === null) {
          await this.askForCancel(id);
          run = await this.watch.until(id, isFinished, options);
        }
      }
      const isDone = run.finishedAt !== null;
      if (!isDone || isCancelled(run)) return { run, isDone };
      throw new DomainError('run-finished', `The run has finished before: it ${run.status}`, { runId: id });
    });
  }

  /**
   * Lets a run that is set aside go on. Any other run stays as it is.
   *
   * @returns the run after the command
   * @throws {DomainError} `run-unknown`, `journal-unavailable`, `stopping`
   */
  resume(id: string): Promise<Readonly<RunRecord>> {
    return this.turns.take(id, async () => {
      const run = await this.current(id);
      if (run.status !== 'set-aside') return run;
      // From now on, any node may resume the run.
      await this.journal.takeBack(id);
      return this.watch.get(id);
    });
  }

  /**
   * Erases a finished run: see {@link Journal.erase}.
   *
   * @throws {DomainError} `run-unknown`, `run-unfinished`, `journal-unavailable`
   */
  erase(id: string): Promise<void> {
    return this.turns.take(id, async () => {
      // Another node may have erased or reopened the run since it was read.
      do {
        if (!isFinished(await this.watch.get(id)) || this.runs.get(id))
          throw new DomainError('run-unfinished', 'The run goes on; cancel it, or wait for its end', {
            runId: id,
          });
      } while (!(await this.journal.erase(id)));
    });
  }

  /**
   * Runs a failed sub-task again, with one further attempt. A finished run is reopened until that attempt ends. With a key that was used
   * before in this run, nothing is done.
   *
   * @param check as in {@link cancel}
   * @throws {DomainError} `run-unknown`, `sub-task-unknown`, `sub-task-not-failed`, `input-not-kept`, `overloaded`, `journal-unavailable`,
   * `stopping`; `task-unknown` when this node can't execute the run, `idempotency-key-reused` when the key was used for another sub-task
   */
  async retry(
    id: string,
    name: string,
    { key: clientKey, check }: { readonly key?: ClientKey | undefined; readonly check?: RunCheck } = {},
  ): Promise<Commanded> {
    const key = clientKey && digestOf(clientKey);
    for (;;) {
      const found = await this.turns.take(id, () => this.beginRetry(id, name, key, check));
      // Waits outside of the run's turn, because this node may take the run over, and then perform its own command.
      const retried = typeof found === 'function' ? await found() : found;
      if (retried) return retried;
    }
  }

  /**
   * Performs a command that a caller gave through another node.
   *
   * @returns true when its effect is recorded, or there is nothing left to do; false when the command is to be tried again
   */
  async perform({ runId, kind, subTask, key }: RunCommand): Promise<boolean> {
    try {
      if (kind === 'retry') return await this.turns.take(runId, () => this.performRetry(runId, subTask, key));
      this.runs.get(runId)?.cancel(CANCELLED);
      return isFinished(await this.watch.get(runId));
    } catch (error) {
      if (error instanceof DomainError) return !PASSING.has(error.code);
      throw error;
    }
  }

  /** @param name the sub-task to retry; undefined for all that have failed */
  private async performRetry(id: string, name: string | undefined, key?: string): Promise<boolean> {
    const run = await this.current(id);
    if (this.isElsewhere(run)) return false;
    if (subTaskOfKey(run, key) !== undefined) return true;
    const failed = run.subTasks.filter((subTask) => subTask.status === 'failed').map((one) => one.name);
    for (const one of name === undefined ? failed : [name]) {
      const now = await this.current(id);
      if (!(await this.retryHere(now, failedSubTask(now, one), key))) return false;
    }
    return true;
  }

  /** Hands a cancel to the node that executes the run, or resumes it. This includes a cancel that this node couldn't record in time. */
  private async askForCancel(id: string): Promise<void> {
    const { sharing } = this.journal;
    if (!sharing && this.runs.get(id))
      throw new DomainError('journal-unavailable', 'The run is cancelled, but that can’t be written yet', {
        runId: id,
      });
    await sharing?.command({ runId: id, kind: 'cancel' });
  }

  /**
   * @returns undefined when the run has changed since it was read, so that it must be read again; a function that waits for the retry, where
   * another node performs it
   */
  private async beginRetry(
    id: string,
    name: string,
    key: string | undefined,
    check: RunCheck | undefined,
  ): Promise<Commanded | undefined | (() => Promise<Commanded | undefined>)> {
    const run = await this.current(id);
    const retriedBefore = subTaskOfKey(run, key);
    if (retriedBefore === name) return { run, isDone: true, replayed: true };
    if (retriedBefore !== undefined)
      throw new DomainError(
        'idempotency-key-reused',
        `The Idempotency-Key belongs to a retry of ${retriedBefore}`,
        { runId: id },
      );
    const failed = failedSubTask(run, name);
    check?.(run);
    if (!this.isElsewhere(run)) return this.retryHere(run, failed, key);
    const command = await this.journal.sharing?.command({ runId: id, kind: 'retry', subTask: name, key });
    return command === undefined ? undefined : () => this.retriedElsewhere(id, failed, command);
  }

  /** @returns undefined when the run has changed since it was read */
  private async retryHere(
    record: Readonly<RunRecord>,
    failed: Readonly<SubTaskRecord>,
    key: string | undefined,
  ): Promise<Commanded | undefined> {
    const { id, finishedAt } = record;
    const { name } = failed;
    const live = this.runs.get(id);
    if (!live && finishedAt === null) return undefined;
    const terms = live?.terms ?? (await this.recorded.termsOf(record));
    if (terms.unfit?.code === 'input-not-kept')
      throw new DomainError('input-not-kept', terms.unfit.message, { runId: id });
    const obstacle = live ? undefined : obstacleOf(terms, name);
    if (obstacle) {
      const mend = this.journal.sharing ? 'ask a node that has it' : 'start a new run instead';
      throw new DomainError('task-unknown', `${obstacle.message}; ${mend}`, { runId: id });
    }
    const clause = await this.recorded.obstacleNow(terms, failed);
    this.runs.admission.admit(terms);
    const run = live ?? this.runs.reopen(terms, record);
    if (!live && !(await run.reopened)) return undefined;
    if (!run.retry(name, key, clause)) return undefined;
    const retried = await this.whenRetried(id, failed, run);
    if (isRetried(retried, failed)) return { run: retried, isDone: true };
    if (this.runs.get(id) !== run) return undefined;
    const code = this.runs.stopping ? 'stopping' : 'journal-unavailable';
    throw new DomainError(code, 'The retry could not be recorded in time', { runId: id });
  }

  private isElsewhere({ id, finishedAt }: Readonly<RunRecord>): boolean {
    return this.journal.sharing !== undefined && finishedAt === null && !this.runs.get(id);
  }

  /** @returns undefined when the run ended before another node could retry the sub-task */
  private async retriedElsewhere(
    id: string,
    failed: Readonly<SubTaskRecord>,
    command: number,
  ): Promise<Commanded | undefined> {
    const run = await this.whenRetried(id, failed);
    if (isRetried(run, failed)) return { run, isDone: true };
    if (run.finishedAt !== null && (await this.journal.sharing?.withdraw(command))) return undefined;
    return { run, isDone: false };
  }

  /** Waits until the retry is recorded or the run has ended, at most {@link RunControl.waitMs}, or until `live` is gone. @returns the run then */
  private whenRetried(id: string, failed: Readonly<SubTaskRecord>, live?: Run): Promise<Readonly<RunRecord>> {
    const isOver = (run: Readonly<RunRecord>) => run.finishedAt !== null || isRetried(run, failed);
    return this.watch.until(id, isOver, { until: this.watch.elapsed + RunControl.waitMs, live });
  }

  /** The run. Unless it is finished or another node's, it is live in this process: a run that waits for recovery is resumed now. */
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
