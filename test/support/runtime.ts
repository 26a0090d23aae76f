import { EventEmitter2 } from '@nestjs/event-emitter';
import { parseConfig } from '../../src/config/config.js';
import { Execution } from '../../src/run/execution.js';
import type { ReplyTimes } from '../../src/run/reply-times.js';
import { Runs } from '../../src/run/runs.js';
import { StartPlans } from '../../src/run/start-plans.js';
import type { RunEvent } from '../../src/core/events.js';
import { MemoryBudget } from '../../src/core/memory-budget.js';
import { EventBus } from '../../src/events/event-bus.js';
import { MemoryJournal } from '../../src/journal/memory/memory-journal.js';
import { IdempotentRuns } from '../../src/tasks/idempotent-runs.js';
import { Recovery } from '../../src/tasks/recovery.js';
import { RunControl } from '../../src/tasks/run-control.js';
import { RecordedRuns } from '../../src/tasks/recorded-runs.js';
import { RunWatch } from '../../src/tasks/run-watch.js';
import type { PastRun } from './past-run.js';
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
  readonly replyTime?: ReplyTimes['replyTime'];
  /** Where runs count what they keep; the journal doesn't. Default: one without a bound. */
  readonly memory?: MemoryBudget;
}

/** The parts that a run flows through, without HTTP and without Nest, around one task named `task`. */
export function createRuntime(
  subTasks: readonly (SubTaskOptions & { readonly start?: StartRule; readonly run: Run })[],
  environment: Readonly<Record<string, string>> = {},
  { hedgeBudget = 1, replyTime = () => undefined, memory = new MemoryBudget() }: RuntimeOptions = {},
) {
  const task: TaskDefinition = {
    name: 'task',
    subTasks: subTasks.map(({ run, start: _, ...options }) => defineSubTask(options, { run }, options.name)),
    starts: subTasks.map(({ start = 'at-once' }) => start),
    hedgeBudget,
    reply: { policy: 'first-success' },
    losers: 'continue',
    deadline: undefined,
    input: undefined,
    callerHeaders: [],
    redaction: undefined,
  };
  const events: RunEvent[] = [];
  const bus = new EventBus(new EventEmitter2());
  const publish = bus.publish.bind(bus);
  bus.publish = (published) => {
    events.push(...published.map(({ event }) => event));
    publish(published);
  };
  const journal = new MemoryJournal(bus, RETENTION_MS, undefined, queueMicrotask);
  const registry = {
    get: () => task,
    find: () => task,
    all: () => [task],
  } as Partial<TaskRegistry> as TaskRegistry;
  const config = parseConfig(environment);
  const runs = new Runs(config, new Execution(config, journal, memory), new StartPlans({ replyTime }));
  const watch = new RunWatch(runs, journal, bus);
  const recorded = new RecordedRuns(registry);
  const recovery = new Recovery(runs, journal, recorded);
  const control = new RunControl(runs, journal, recovery, recorded, watch);
  const tasks = new TasksService(registry, runs, recovery, new IdempotentRuns(journal), watch, journal);
  /** Starts a run at once; resolves with its reply. */
  const run = async (request: RunRequest = {}) => tasks.reply(await tasks.start('task', request));
  /** Resumes what an earlier process has left. */
  const resume = async ({ record }: PastRun) => runs.resume(await recorded.termsOf(record), record);
  return { task, events, bus, journal, runs, watch, tasks, control, run, resume };
}
