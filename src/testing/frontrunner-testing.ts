import type { ModuleMetadata, Type } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { CONFIG } from '../config/config.js';
import { systemClock } from '../core/clock.js';
import { milliseconds, type Duration } from '../core/duration.js';
import { EventBus } from '../events/event-bus.js';
import { Readers } from '../library/readers.js';
import { Frontrunner, type StartOptions } from '../library/frontrunner.js';
import { configOf } from '../library/options.js';
import type { Parts } from '../library/parts.js';
import { Journal } from '../run/journal.js';
import { Runs } from '../run/runs.js';
import type { ResultOf, StartArguments } from '../tasks/task-of.js';
import { StartInTransaction } from '../cluster/start-in-transaction.js';
import { RunControl } from '../tasks/run-control.js';
import { RunWatch } from '../tasks/run-watch.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import { TasksService } from '../tasks/tasks.service.js';
import { createCore, type Core } from './core.js';
import { FakeClock } from './fake-clock.js';
import { Patience } from './patience.js';
import type { Stub, SubTaskClass, SubTaskInput, SubTaskResult } from './stub.js';
import { TestRun } from './test-run.js';
import { TestedSubTasks, type SubTaskCall } from './tested-sub-tasks.js';

export interface TestingOptions extends Pick<ModuleMetadata, 'imports' | 'providers'> {
  /** Task classes. They name their sub-tasks. */
  readonly tasks: readonly Type[];
  /** `fake`: time stands still until `advance`. `real`: time passes by itself. Default `fake`. */
  readonly clock?: 'fake' | 'real';
  /** How long a wait may take, in real time, while the clock stands still. Default `2s`. */
  readonly patience?: Duration;
}

/** Runs tasks in a test: in memory, without sockets, files or environment variables. Each test kit has its own clock and runs. */
export class FrontrunnerTesting implements AsyncDisposable {
  /** The `Frontrunner` to give to tested services that inject one. */
  readonly frontrunner: Frontrunner;
  private closed = false;

  private constructor(
    private readonly core: Core,
    private readonly subTasks: TestedSubTasks,
    private readonly clock: FakeClock | undefined,
    private readonly patience: Patience,
    private readonly parts: Parts,
  ) {
    const ready = async (): Promise<Parts> => {
      if (this.closed) throw new Error('The test kit is closed; start runs before fr.close()');
      await subTasks.make();
      return parts;
    };
    this.frontrunner = new Frontrunner({
      get app() {
        return ready();
      },
      readers: new Readers(),
    });
  }

  /**
   * Makes a test kit.
   *
   * @throws {TaskDeclarationError} when a task can't work
   * @throws {TypeError} when a class in `tasks` is no task
   */
  static create({ tasks, clock, patience = '2s', ...host }: TestingOptions): FrontrunnerTesting {
    const fake = clock === 'real' ? undefined : new FakeClock();
    const subTasks = new TestedSubTasks(tasks, fake ?? systemClock, host);
    const discovery = { getProviders: () => subTasks.providers } as unknown as DiscoveryService;
    const registry = new TaskRegistry(discovery);
    registry.onModuleInit();
    // Otherwise a test of a hedge would have to begin ten runs for a budget of one. There are no statistics to learn an order from.
    const unbounded = registry
      .all()
      .map((task) => ({ ...task, hedgeBudget: Infinity, order: 'declared' as const }));
    registry.replace(
      registry.all(),
      unbounded.map((task) => [task, registry.declarationOf(task.name) ?? '']),
    );
    const core = createCore(config, registry, fake && { clock: fake });
    const parts = new Map<unknown, unknown>([
      [CONFIG, config],
      [Journal, core.journal],
      [EventBus, core.bus],
      [TaskRegistry, registry],
      [Runs, core.runs],
      [RunWatch, core.watch],
      [RunControl, core.control],
      [TasksService, core.tasks],
      [
        StartInTransaction,
        new StartInTransaction(registry, core.runs, core.journal, core.bus, core.webhooks),
      ],
    ]);
    const get = (token: unknown): unknown => parts.get(token);
    const waits = new Patience(milliseconds(patience), fake, core.settle);
    return new FrontrunnerTesting(core, subTasks, fake, waits, { get } as Parts);
  }

  /** Replaces the behaviour of a sub-task. Earlier behaviours are forgotten. */
  stub<Class extends SubTaskClass>(subTask: Class): Stub<SubTaskInput<Class>, SubTaskResult<Class>> {
    return this.subTasks.stub(subTask);
  }

  /** The attempts of a sub-task so far, of all runs. */
  calls<Class extends SubTaskClass>(subTask: Class): readonly SubTaskCall<SubTaskInput<Class>>[] {
    return this.subTasks.callsOf(subTask);
  }

  /** Starts a run: see {@link Frontrunner.start}. When it resolves, everything that needs no time has happened. */
  async start<Task extends Type | string, const Options extends StartOptions = object>(
    task: Task,
    ...given: StartArguments<Task, Options>
  ): Promise<TestRun<ResultOf<Task, Options>>> {
    const run = await this.frontrunner.start(task, ...given);
    await this.core.settle();
    return new TestRun(this.parts, run, this.core, this.patience);
  }

  /** Advances the clock. Timeouts, retries, hedges, deadlines and stubs become due in order, each with all its consequences. */
  async advance(time: Duration): Promise<void> {
    if (!this.clock) throw new Error("Time passes by itself here; create the kit with { clock: 'fake' }");
    await this.core.settle();
    await this.clock.advance(milliseconds(time), this.core.settle);
    await this.core.settle();
  }

  /** Cancels unfinished runs, and closes the sub-tasks that were made. When this resolves, nothing of the kit is left running. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const { runId, type } of this.core.events)
      if (type === 'run.started') this.core.runs.get(runId)?.cancel('the test has ended');
    await this.core.settle();
    this.core.watch.stop();
    await this.subTasks.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const config = configOf({ database: 'memory:' });
