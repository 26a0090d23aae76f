import { ConfigService } from '@nestjs/config';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { parseConfig, type Config } from '../../src/config/config.js';
import { EmbeddedEngine } from '../../src/run/embedded-engine.js';
import type { RunEvent } from '../../src/core/events.js';
import { EventBus } from '../../src/events/event-bus.js';
import { MemoryJournal } from '../../src/journal/memory/memory-journal.js';
import type { TaskStatistics } from '../../src/stats/task-statistics.js';
import { IdempotentRuns } from '../../src/tasks/idempotent-runs.js';
import { Recovery } from '../../src/tasks/recovery.js';
import { RunControl } from '../../src/tasks/run-control.js';
import { RunCoordinator } from '../../src/run/run-coordinator.js';
import { RunResumer } from '../../src/tasks/run-resumer.js';
import { RunWatch } from '../../src/tasks/run-watch.js';
import { StaggeredStarts } from '../../src/run/staggered-starts.js';
import type { StartRule } from '../../src/core/start-rule.js';
import type { RunRequest } from '../../src/tasks/tasks.schemas.js';
import type { SubTaskContext, SubTaskOptions } from '../../src/core/sub-task.js';
import { defineSubTask } from '../../src/tasks/task-declaration.js';
import type { TaskRegistry } from '../../src/tasks/task-registry.js';
import type { TaskDefinition } from '../../src/core/task.js';
import { TasksService } from '../../src/tasks/tasks.service.js';

/** How long idempotency keys are kept. */
const RETENTION_MS = 24 * 3_600_000;

type Run = (input: unknown, context: SubTaskContext) => unknown;

interface RuntimeOptions {
  /** From 0 to 1. Default 1. */
  readonly hedgeBudget?: number;
  /** What the task's statistics say of its reply times. Default: too few are known. */
  readonly replyTime?: TaskStatistics['replyTime'];
}

/** The parts that a run flows through, without HTTP and without Nest, around one task named `task`. */
export function createRuntime(
  subTasks: readonly (SubTaskOptions & { readonly start?: StartRule; readonly run: Run })[],
  environment: Readonly<Record<string, string>> = {},
  { hedgeBudget = 1, replyTime = () => undefined }: RuntimeOptions = {},
) {
  const task: TaskDefinition = {
    name: 'task',
    subTasks: subTasks.map(({ run, start: _, ...options }) => defineSubTask(options, { run }, options.name)),
    starts: subTasks.map(({ start = 'at-once' }) => start),
    hedgeBudget,
    reply: { policy: 'first-success' },
    losers: 'continue',
    input: undefined,
  };
  const events: RunEvent[] = [];
  const bus = new EventBus(new EventEmitter2());
  const publish = bus.publish.bind(bus);
  bus.publish = (published) => {
    events.push(...published);
    publish(published);
  };
  const journal = new MemoryJournal(bus, RETENTION_MS);
  const engine = new EmbeddedEngine(
    new ConfigService<Config, true>({ ...parseConfig(environment) }),
    journal,
  );
  const registry = {
    get: () => task,
    find: () => task,
    all: () => [task],
  } as Partial<TaskRegistry> as TaskRegistry;
  const statistics = { replyTime } as Partial<TaskStatistics> as TaskStatistics;
  const staggered = new StaggeredStarts(engine, journal, statistics);
  const coordinator = new RunCoordinator(engine, journal, bus, staggered);
  const watch = new RunWatch(journal, bus);
  const resumer = new RunResumer(registry, engine, journal, coordinator);
  const recovery = new Recovery(engine, journal, resumer);
  const control = new RunControl(registry, engine, journal, coordinator, recovery, resumer, watch);
  const idempotent = new IdempotentRuns(journal);
  const tasks = new TasksService(registry, engine, coordinator, recovery, idempotent, watch, journal);
  /** Starts a run at once; resolves with its reply. */
  const run = async (request: RunRequest = {}) => tasks.reply(await tasks.start('task', request));
  return { task, events, bus, journal, engine, tasks, control, run };
}
