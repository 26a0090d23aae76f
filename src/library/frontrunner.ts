import { inspect } from 'node:util';
import type { Type } from '@nestjs/common';
import { StartInTransaction } from '../cluster/start-in-transaction.js';
import { CONFIG, type Config } from '../config/config.js';
import type { CallerTransaction } from '../core/caller-transaction.js';
import { DomainError } from '../core/domain-error.js';
import type { RunEvent } from '../core/events.js';
import type { JsonValue } from '../core/json.js';
import type { Labels } from '../core/labels.js';
import type { LosersPolicy, ReplyPolicy } from '../core/policies.js';
import type { RunWebhook } from '../core/webhook.schema.js';
import { Journal } from '../run/journal.js';
import type { RunPage, RunQuery } from '../run/journal-pages.js';
import { TaskMetadata, type TaskOptions } from '../tasks/task.js';
import type { ChunkOf, ResultOf, StartArguments } from '../tasks/task-of.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import { TasksService } from '../tasks/tasks.service.js';
import { Tracing } from '../tracing/tracing.js';
import { checked, plainly, runIdSchema, runQuerySchema } from './arguments.js';
import { withMissingPackage } from './missing-package.js';
import type { Parts } from './parts.js';
import type { Readers } from './readers.js';
import { ALL_RUNS, runEvents, type EventsOptions } from './run-events.js';
import { RunHandle } from './run-handle.js';
import type { ChunksOptions } from './run-chunks.js';
import { startRequest } from './start-request.js';

/** Options of a run. The task decides what is left out. */
export interface StartOptions {
  /** A second start with the same key, task and input gives the run of the first. */
  readonly idempotencyKey?: string;
  readonly reply?: ReplyPolicy;
  readonly losers?: LosersPolicy | 'continue' | 'cancel';
  /** Labels by which the run can be found, such as a tenant; eight at most. */
  readonly labels?: Labels;
  /** The time limit of the run, from its start, such as `30s`. Sub-tasks that are unfinished by then are cancelled. */
  readonly deadline?: string;
  /** Webhooks of this run, besides those of its task: `[{ url, events: ['run.finished'] }]`. Eight at most, with those of the task. */
  readonly webhooks?: readonly RunWebhook[];
  /** Appears in the log lines of the run, to connect them with the request that started the run. */
  readonly requestId?: string;
  /** The trace that the run belongs to: a `traceparent` of W3C Trace Context. Default: the active span of OpenTelemetry, if any. */
  readonly traceparent?: string;
  /**
   * Your own open transaction on the Postgres database of the instance: a client of `pg`, or what Kysely, Drizzle, TypeORM or Knex pass to
   * the function of a transaction. The run exists if, and only if, the transaction is committed. The run begins right after that commit.
   */
  readonly transaction?: CallerTransaction;
}

/** Options of a run whose chunks the caller reads. */
export interface StreamOptions extends StartOptions, ChunksOptions {}

/** The chunks of a run, as they come. */
export interface ChunkStream<Result = unknown, Chunk = JsonValue> extends AsyncIterable<Chunk> {
  /** Resolves when the run is in the journal. Rejects when the start fails. */
  readonly run: Promise<RunHandle<Result, Chunk>>;
}

/** Starts runs of tasks, and finds runs again. Inject this class, or use `@InjectFrontrunner(name)` for an instance with a name. */
export class Frontrunner {
  constructor(private readonly instance: { readonly app: Promise<Parts>; readonly readers: Readers }) {}

  /**
   * Starts a run. When the promise resolves, the run is in the journal, and no crash loses it. With a `transaction`, this holds from its
   * commit on.
   *
   * @param task its class, or its name
   * @throws {FrontrunnerError} `task-unknown`, `invalid-request` with what is wrong, `idempotency-key-reused`, `overloaded`,
   * `journal-unavailable`, `worker-node`, `stopping`
   * @throws {TransactionError} when the run can't be started in the transaction
   */
  async start<Task extends Type | string, const Options extends StartOptions = object>(
    task: Task,
    ...[input, given = {} as Options]: StartArguments<Task, Options>
  ): Promise<RunHandle<ResultOf<Task, Options>, ChunkOf<Task>>> {
    if (!isObject(given))
      throw new TypeError(`The options of start() are ${inspect(given)}; they take an object`);
    const { transaction, ...options } = given;
    const app = await this.instance.app;
    const name = nameOf(task);
    if (!app.get(TaskRegistry, { strict: false }).find(name)) throw unknownTask(name);
    const { MAX_INPUT_BYTES } = app.get<Config>(CONFIG, { strict: false });
    try {
      const { idempotencyKey, requestId, traceparent, ...request } = startRequest(
        input,
        options,
        MAX_INPUT_BYTES,
      );
      const active =
        traceparent === undefined &&
        app.get<Tracing | null | undefined>(Tracing, { strict: false })?.activeOrigin;
      const origin = { requestId, traceparent, ...active };
      if (transaction) {
        const starts = app.get(StartInTransaction, { strict: false });
        const run = await starts.start(name, request, origin, transaction, idempotencyKey);
        return new RunHandle(app, run, this.instance.readers);
      }
      const tasks = app.get(TasksService, { strict: false });
      const key = idempotencyKey === undefined ? undefined : { client: '', key: idempotencyKey };
      const run = await tasks.start(name, request, origin, key);
      await tasks.recorded(run);
      return new RunHandle(app, run, this.instance.readers);
    } catch (error) {
      throw plainly(withMissingPackage(error));
    }
  }

  /**
   * Starts a run, and yields the chunks of the sub-task whose stream wins: `for await (const chunk of frontrunner.stream('chat', input))`.
   * The run goes on even if nobody reads the chunks.
   *
   * @param task its class, or its name
   * @throws {StreamRestartedError} while the chunks are read, unless `onRestart` is given
   * @throws {FrontrunnerError} while the chunks are read: the errors of {@link start}, and those of `reply` of the run
   */
  stream<Task extends Type | string, const Options extends StreamOptions = object>(
    task: Task,
    ...[input, given]: StartArguments<Task, Options>
  ): ChunkStream<ResultOf<Task, Options>, ChunkOf<Task>> {
    const { onRestart, ...options }: StreamOptions = given ?? {};
    const run = this.start(task as string, input as JsonValue, options) as Promise<
      RunHandle<ResultOf<Task, Options>, ChunkOf<Task>>
    >;
    // Readers get this error when they read; without this line, a stream that nobody reads would be an unhandled rejection.
    run.catch(() => undefined);
    return {
      run,
      async *[Symbol.asyncIterator]() {
        yield* (await run).chunks(onRestart ? { onRestart } : {});
      },
    };
  }

  /**
   * A run that was started before, in this process or another. A missing run is noticed when the handle is used.
   *
   * @throws {FrontrunnerError} `invalid-request`
   */
  async run<Result = JsonValue>(id: string): Promise<RunHandle<Result>> {
    const { id: runId } = checked(runIdSchema, { id });
    return new RunHandle(await this.instance.app, { runId, replayed: false }, this.instance.readers);
  }

  /**
   * A page of the history, the newest run first.
   *
   * @param query `limit` is 50 by default, and 200 at most
   * @throws {FrontrunnerError} `invalid-request`, `journal-unavailable`, `stopping`
   */
  async runs(query: Partial<RunQuery> = {}): Promise<RunPage> {
    const checkedQuery = checked(runQuerySchema, query);
    const app = await this.instance.app;
    return app.get(Journal, { strict: false }).runs(checkedQuery);
  }

  /** The events of all runs: first those in the journal, then new ones as they come, until the application stops. */
  async *events(options: EventsOptions = {}): AsyncGenerator<RunEvent, void> {
    yield* runEvents(await this.instance.app, ALL_RUNS, options, this.instance.readers);
  }
}

function nameOf(task: Type | string): string {
  if (typeof task === 'string') return task;
  const isClass = typeof task === 'function';
  const options = isClass
    ? (Reflect.getMetadata(TaskMetadata.KEY, task) as TaskOptions | undefined)
    : undefined;
  if (options) return options.name;
  throw new TypeError(
    `${isClass ? task.name : inspect(task, { depth: 0 })} is no task; decorate it with @Task({ … }), or let it extend TaskOf({ … })`,
  );
}

function isObject(given: unknown): boolean {
  return typeof given === 'object' && given !== null;
}

function unknownTask(name: string): DomainError {
  return new DomainError(
    'task-unknown',
    `There is no task ${JSON.stringify(name)} here; list its class in FrontrunnerModule.forFeature([…]), for an instance with a name as forFeature([…], { name })`,
  );
}
