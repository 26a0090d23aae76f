import { MAX_DURATION_MS, milliseconds, type Duration } from '../core/duration.js';
import type { RunEvent } from '../core/events.js';
import type { JsonValue } from '../core/json.js';
import type { RunRecord } from '../core/run-record.js';
import { RunControl } from '../tasks/run-control.js';
import { runView } from '../tasks/run-view.js';
import { RunWatch } from '../tasks/run-watch.js';
import type { Answer } from '../tasks/started-run.js';
import { TasksService } from '../tasks/tasks.service.js';
import type { StartedRun } from '../tasks/started-run.js';
import { checked, subTaskSchema } from './arguments.js';
import type { Parts } from './parts.js';
import type { Readers } from './readers.js';
import { runChunks, type ChunksOptions } from './run-chunks.js';
import { runEvents, stoppedBefore, type EventsOptions } from './run-events.js';

/** A run as callers see it, also over HTTP. */
export type RunView = ReturnType<typeof runView>;

/** Thrown when a wait takes too long. The run goes on. */
export class WaitError extends Error {
  constructor(
    readonly runId: string,
    what: string,
  ) {
    super(`There was no ${what} of the run ${runId} in time; it goes on`);
    this.name = 'WaitError';
  }
}

interface WaitOptions {
  /** How long to wait, such as `2s`. Default: without a limit. */
  readonly wait?: Duration;
}

/** A handle of an accepted run. */
export class RunHandle<Result = unknown, Chunk = JsonValue> {
  constructor(
    private readonly app: Parts,
    /** `task` is missing when only the id of the run is known. */
    private readonly started: Omit<StartedRun, 'task'> & Partial<Pick<StartedRun, 'task'>>,
    private readonly readers: Readers,
  ) {}

  /** What a handle of the same run needs. */
  protected static startOf(run: RunHandle<unknown, unknown>) {
    return run.started;
  }

  get id(): string {
    return this.started.runId;
  }

  /** Whether this is the run of an earlier call with the same idempotency key. */
  get replayed(): boolean {
    return this.started.replayed;
  }

  /** Whether an equal call has started this run: see `coalesce` of its task. */
  get coalesced(): boolean {
    return this.started.coalesced ?? false;
  }

  /** Whether this is an earlier run that has its reply already: see `reuse` of its task. */
  get reused(): boolean {
    return this.started.reused !== undefined;
  }

  /**
   * The reply, as soon as the journal has it. The other sub-tasks go on in the background.
   *
   * @throws {WaitError} when it takes longer than `wait`; the run goes on
   * @throws {FrontrunnerError} `run-failed` or `run-cancelled` when no reply is possible any more, `run-disputed`, `deadline-exceeded`,
   * `run-unknown`, `journal-unavailable`, `stopping`
   */
  async reply({ wait }: WaitOptions = {}): Promise<Omit<Answer, 'result'> & { readonly result: Result }> {
    const { task = (await this.watch.get(this.id)).task } = this.started;
    const answer = await this.tasks.reply({ ...this.started, task }, waitMs(wait));
    if (!answer) throw new WaitError(this.id, 'reply');
    return { ...answer, result: answer.result as Result };
  }

  /** Resolves with the run when its last sub-task has ended. @throws {WaitError} @throws {FrontrunnerError} */
  async finished({ wait }: WaitOptions = {}): Promise<RunView> {
    const until = this.watch.elapsed + waitMs(wait);
    await this.begin(waitMs(wait));
    const run = await this.watch.until(this.id, isFinished, { until, types: ['run.finished'] });
    if (!isFinished(run)) {
      if (this.watch.elapsed >= until) throw new WaitError(this.id, 'end');
      throw stoppedBefore(this.id);
    }
    return runView(run);
  }

  /** The run as it is now. @throws {FrontrunnerError} `run-unknown`, `journal-unavailable` */
  async show(): Promise<RunView> {
    return runView(await this.watch.get(this.id));
  }

  /**
   * Cancels every unfinished sub-task, which ends the run. A reply that was already made stays.
   *
   * @throws {FrontrunnerError} `run-unknown`, `run-finished`, `journal-unavailable`, `stopping`
   */
  async cancel(): Promise<RunView> {
    return runView((await this.control.cancel(this.id)).run);
  }

  /**
   * Runs a failed sub-task again.
   *
   * @throws {FrontrunnerError} `invalid-request`, `run-unknown`, `sub-task-unknown`, `sub-task-not-failed`, `input-not-kept`, `task-unknown`,
   * `overloaded`, `journal-unavailable`, `stopping`
   */
  async retry(subTask: string): Promise<RunView> {
    const { subTask: name } = checked(subTaskSchema, { subTask });
    return runView((await this.control.retry(this.id, name)).run);
  }

  /** The events of the run: first those in the journal, then new ones as they come, until the run is finished. */
  async *events(options: EventsOptions = {}): AsyncGenerator<RunEvent, void> {
    await this.begin(MAX_DURATION_MS);
    yield* runEvents(this.app, this.id, options, this.readers);
  }

  /**
   * The chunks of the run's stream, from the first one until there is a reply. New chunks come as they arrive. A slow reader makes the
   * upstream wait, for ten seconds at most. If the run fails before its first chunk, and the task's `reuse` lets an earlier run answer
   * instead, the chunks of that earlier run come.
   *
   * @throws {StreamRestartedError} unless `onRestart` is given
   * @throws {FrontrunnerError} the errors of {@link reply}
   */
  async *chunks(options: ChunksOptions = {}): AsyncGenerator<Chunk, void> {
    await this.begin(MAX_DURATION_MS);
    let hasBegun = false;
    try {
      for await (const chunk of this.chunksOf(this.id, options)) {
        hasBegun = true;
        yield chunk;
      }
    } catch (failure) {
      if (hasBegun) throw failure;
      const { runId } = await this.tasks.pastReply(this.started, failure);
      yield* this.chunksOf(runId, options);
    }
  }

  private chunksOf(runId: string, options: ChunksOptions): AsyncGenerator<Chunk, void> {
    return runChunks(this.app, runId, options, this.readers) as AsyncGenerator<Chunk, void>;
  }

  private get tasks(): TasksService {
    return this.app.get(TasksService, { strict: false });
  }

  /** Waits for the transaction that starts the run, where there is one. @throws {WaitError} */
  private async begin(ms: number): Promise<void> {
    const { begun } = this.started;
    if (begun && !(await begun(ms))) throw new WaitError(this.id, 'start');
  }

  private get watch(): RunWatch {
    return this.app.get(RunWatch, { strict: false });
  }

  private get control(): RunControl {
    return this.app.get(RunControl, { strict: false });
  }
}

function waitMs(wait: Duration | undefined): number {
  return wait === undefined ? MAX_DURATION_MS : milliseconds(wait);
}

function isFinished({ finishedAt }: Readonly<RunRecord>): boolean {
  return finishedAt !== null;
}
