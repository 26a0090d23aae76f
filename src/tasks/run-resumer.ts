import { Injectable, Logger } from '@nestjs/common';
import { EmbeddedEngine, type SubTaskToPrepare } from '../run/embedded-engine.js';
import type { StartCause } from '../core/events.js';
import { Journal } from '../run/journal.js';
import { parseInput } from './accepted-run.js';
import { millisecondsSince } from '../core/duration.js';
import { deepFreeze, memoryBytes } from '../core/json.js';
import { RunCoordinator } from '../run/run-coordinator.js';
import type { AttemptError } from '../core/run.js';
import type { RunRecord, SubTaskRecord } from '../core/run-record.js';
import { TaskRegistry } from './task-registry.js';
import type { TaskDefinition } from '../core/task.js';
import { textOf } from '../core/thrown.js';

/**
 * Goes on with a run from what the journal has of it: every unfinished sub-task begins a new attempt, but for those that
 * had not begun and, as the task now declares them, start later than the run.
 */
@Injectable()
export class RunResumer {
  private readonly logger = new Logger(RunResumer.name);
  /** Tasks that runs are left of but that the service has no more. */
  private readonly missing = new Set<string>();

  constructor(
    private readonly registry: TaskRegistry,
    private readonly engine: EmbeddedEngine,
    private readonly journal: Journal,
    private readonly coordinator: RunCoordinator,
  ) {}

  /**
   * Sub-tasks that are under way in this process already are left alone.
   *
   * @param isOurs whether this process is still the one that goes on with it, when its input has been read
   * @returns false when a stop came first, or another process goes on with it
   */
  resume(run: Readonly<RunRecord>, isOurs: () => boolean = () => true): Promise<boolean> {
    const { id } = run;
    const unfinished = run.subTasks.filter(
      ({ name, finishedAt }) => finishedAt === null && !this.engine.executes(id, name),
    );
    return this.begin(run, unfinished, isOurs);
  }

  /**
   * Goes on with a sub-task that is tried again, and with no other: what the run says of those was read before, and they may have
   * ended since.
   */
  async resumeOne(run: Readonly<RunRecord>, name: string): Promise<void> {
    await this.begin(
      run,
      run.subTasks.filter((subTask) => subTask.name === name && !this.engine.executes(run.id, name)),
      () => true,
    );
  }

  private async begin(
    run: Readonly<RunRecord>,
    unfinished: readonly SubTaskRecord[],
    isOurs: () => boolean,
  ): Promise<boolean> {
    const { id, task, replyPolicy, losers } = run;
    const work = await this.workOf(run, unfinished);
    if (this.engine.stopping || !isOurs()) return false;
    const begin = this.engine.prepare({ id, task: { name: task }, origin: run, ...work }, work.subTasks);
    if (!this.coordinator.follows(id)) {
      const subTasks = run.subTasks.map(({ name }) => name);
      const terms = { id, task, subTasks, replyPolicy, losers };
      const startedAt = performance.now() - millisecondsSince(run.createdAt);
      const definition = this.registry.find(task);
      this.coordinator.follow(terms, {
        task: definition,
        startedAt,
        accepted: Promise.resolve(),
        past: run,
      });
    }
    for (const { subTask, error } of work.failed) this.fail(run, subTask, error);
    begin();
    this.coordinator.goOn(id);
    return true;
  }

  /**
   * Goes on with one sub-task of a run that another node follows.
   *
   * @param isOurs whether it is still this node's to execute, when its input has been read
   */
  async takeOn(
    run: Readonly<RunRecord>,
    name: string,
    isOurs: () => boolean,
    cause?: StartCause,
  ): Promise<void> {
    const { id, task } = run;
    const unfinished = run.subTasks.filter((subTask) => subTask.name === name);
    const { subTasks, failed, ...work } = await this.workOf(run, unfinished);
    if (this.engine.stopping || !isOurs()) return;
    for (const { subTask, error } of failed) this.fail(run, subTask, error);
    const taken = subTasks.map(([subTask, state]) => [subTask, state, { tookOn: true, cause }] as const);
    this.engine.prepare({ id, task: { name: task }, origin: run, ...work }, taken)();
  }

  /** What there is to do for the unfinished sub-tasks, and which of them can't be gone on with. */
  private async workOf(
    { task: name, input }: RunRecord,
    unfinished: readonly SubTaskRecord[],
  ): Promise<Work> {
    const none = { parsedInput: null, inputBytes: 0, subTasks: [] };
    const failAll = (error: AttemptError): Work => ({
      ...none,
      failed: unfinished.map((subTask) => ({ subTask, error })),
    });
    const task = this.registry.find(name);
    if (!task) {
      this.reportMissing(name);
      return failAll({ code: 'task-unknown', message: `The service has no task ${name} any more` });
    }
    try {
      const parsedInput = deepFreeze(await parseInput(task, deepFreeze(input)));
      return { parsedInput, inputBytes: memoryBytes(input), ...divide(task, unfinished) };
    } catch (error) {
      return failAll({ code: 'input-unfit', message: `The input fits the task no more: ${textOf(error)}` });
    }
  }

  private reportMissing(task: string): void {
    if (this.missing.has(task)) return;
    this.missing.add(task);
    this.logger.error(
      `Runs are left of the task ${task}, which the service has no more; they fail with task-unknown`,
    );
  }

  private fail(
    { id, task }: RunRecord,
    { name, attempts, startedAt }: SubTaskRecord,
    error: AttemptError,
  ): void {
    const data = { error, durationMs: millisecondsSince(startedAt) };
    void this.journal.append({
      type: 'sub-task.failed',
      runId: id,
      task,
      subTask: name,
      attempt: attempts,
      data,
    });
  }
}

interface Work {
  readonly parsedInput: unknown;
  readonly inputBytes: number;
  readonly subTasks: readonly SubTaskToPrepare[];
  readonly failed: readonly { readonly subTask: SubTaskRecord; readonly error: AttemptError }[];
}

/** Sub-tasks that the task still has, and those that it has no more. */
function divide(
  { name, subTasks, starts }: TaskDefinition,
  unfinished: readonly SubTaskRecord[],
): Pick<Work, 'subTasks' | 'failed'> {
  const found = unfinished.map(
    (state) => [subTasks.findIndex((subTask) => subTask.name === state.name), state] as const,
  );
  const message = `The task ${name} has no such sub-task any more`;
  return {
    subTasks: found.flatMap(([at, state]) => {
      const subTask = subTasks[at];
      const held = state.status === 'pending' && starts[at] !== 'at-once';
      return subTask ? [[subTask, state, { held }] as const] : [];
    }),
    failed: found.flatMap(([at, subTask]) =>
      at >= 0 ? [] : [{ subTask, error: { code: 'task-unknown', message } as const }],
    ),
  };
}
