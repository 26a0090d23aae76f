import { Subject } from 'rxjs';
import { parseConfig } from '../../src/config/config.js';
import type { ReplyTimes } from '../../src/run/reply-times.js';
import { fairnessOf } from '../../src/core/fairness.js';
import { MemoryBudget } from '../../src/core/memory-budget.js';
import type { LosersPolicy, OnBreak } from '../../src/core/policies.js';
import type { PastRun } from './past-run.js';
import type { StartOrder } from '../../src/core/start-rule.js';
import type { RunRequest } from '../../src/tasks/tasks.schemas.js';
import type { SubTaskContext, SubTaskOptions } from '../../src/core/sub-task.js';
import { createCore } from '../../src/testing/core.js';
import { subTaskList, type ListedSubTask } from '../../src/tasks/listed-sub-tasks.js';
import { defineSubTask } from '../../src/tasks/sub-task-declaration.js';
import type { TaskRegistry } from '../../src/tasks/task-registry.js';
import type { SubTaskDefinition, TaskDefinition } from '../../src/core/task.js';

type ListedOptions = SubTaskOptions & Omit<ListedSubTask<unknown>, 'subTask'> & { readonly run: Run };

type Run = (input: unknown, context: SubTaskContext) => unknown;

export interface RuntimeOptions {
  /** Default `declared`. */
  readonly order?: StartOrder;
  /** From 0 to 1. Default 1. */
  readonly hedgeBudget?: number;
  /** What the task's statistics say of its reply times. Default: too few are known. */
  readonly replyTime?: ReplyTimes['replyTime'];
  /** What they say of the order of its sub-tasks. Default: nothing is known. */
  readonly learntOrder?: ReplyTimes['learntOrder'];
  /** Where runs count what they keep; the journal doesn't. Default: one without a bound. */
  readonly memory?: MemoryBudget;
  readonly onBreak?: OnBreak;
  /** Default `continue`. */
  readonly losers?: LosersPolicy;
  readonly concurrencyKey?: string;
  readonly concurrencyPerKey?: number;
}

/** The parts that a run flows through, without HTTP and without Nest, around one task named `task`. */
export function createRuntime(
  subTasks: readonly ListedOptions[],
  environment: Readonly<Record<string, string>> = {},
  {
    order = 'declared',
    hedgeBudget = 1,
    replyTime = () => undefined,
    learntOrder,
    memory = new MemoryBudget(),
    onBreak = 'fail',
    losers = 'continue',
    ...fairness
  }: RuntimeOptions = {},
) {
  const listed = subTasks.map(({ run, start: _, when, shadow, ...options }) => {
    return { subTask: defineSubTask(options, { run }, options.name), when, shadow };
  });
  const racing = subTasks.filter(({ shadow }) => shadow === undefined);
  const list = subTaskList<SubTaskDefinition>(listed, 'task', (subTask) => subTask);
  const task: TaskDefinition = {
    name: 'task',
    order,
    ...list,
    starts: list.starts.map((_start, index) => racing[index]?.start ?? 'at-once'),
    hedgeBudget,
    reply: { policy: 'first-success' },
    losers,
    deadline: undefined,
    input: undefined,
    callerHeaders: [],
    redaction: undefined,
    webhooks: undefined,
    onBreak,
    streams: subTasks.some(({ stream, shadow }) => stream !== undefined && shadow === undefined),
    face: undefined,
    coalescing: undefined,
    fairness: fairnessOf(fairness, undefined),
  };
  const registry = {
    get: () => task,
    find: () => task,
    all: () => [task],
    replaced: new Subject<void>(),
  } as Partial<TaskRegistry> as TaskRegistry;
  const core = createCore(parseConfig(environment), registry, {
    replyTime,
    memory,
    ...(learntOrder && { learntOrder }),
  });
  const { recorded, runs, tasks } = core;
  /** Starts a run at once; resolves with its reply. */
  const run = async (request: RunRequest = {}) => tasks.reply(await tasks.start('task', request));
  /** Resumes what an earlier process has left. */
  const resume = async ({ record }: PastRun) => runs.resume(await recorded.termsOf(record), record);
  return { ...core, task, run, resume };
}
