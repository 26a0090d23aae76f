import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module, type Type } from '@nestjs/common';
import type { StartRule } from '../../src/core/start-rule.js';
import type { SubTask } from '../../src/tasks/sub-task.js';
import type { SubTaskContext, SubTaskHandler, SubTaskOptions } from '../../src/core/sub-task.js';
import type { Task } from '../../src/tasks/task.js';
import { effectLine } from './effects.ts';
import {
  MAX_FAILURES,
  STUBBORN_TIMEOUT_MS,
  TASKS,
  type Input,
  type SubTaskName,
  type TaskName,
} from './requests.ts';
import { streamTasks } from './stream-task.ts';

/** The decorators of the build: those of `src` would mark classes for another service. */
export interface Decorators {
  readonly SubTask: typeof SubTask;
  readonly Task: typeof Task;
}

const OPTIONS: Readonly<Record<SubTaskName, Omit<SubTaskOptions, 'name'>>> = {
  swift: {},
  steady: {},
  slow: {},
  narrow: { concurrency: 10 },
  stubborn: { timeout: STUBBORN_TIMEOUT_MS },
  hedge: {},
  spare: {},
  remote: { placement: 'worker' },
  distant: { placement: 'worker' },
};

/** Of those that don't start with their run. */
const STARTS: Readonly<Partial<Record<SubTaskName, StartRule>>> = {
  hedge: { after: '3ms' },
  spare: 'after-failure',
};

/** What a success of a sub-task returns. */
export interface CrashResult {
  /** The attempt that brought it. */
  readonly attempt: number;
  /** Tells it from what the same attempt would return if it were made again. */
  readonly mark: string;
}

/**
 * A module with tasks of the harness, whose sub-tasks do as their input says.
 *
 * @param effects the file they leave traces in
 * @param webhook where the task `crash` has the events of its runs sent
 */
export function crashModule(
  { SubTask, Task }: Decorators,
  effects: string,
  tasks: readonly TaskName[],
  webhook: string,
): Type {
  const handlerOf = (name: SubTaskName) => {
    class Scripted implements SubTaskHandler<Input> {
      async run(input: Input, context: SubTaskContext): Promise<CrashResult> {
        const { attempt, signal } = context;
        const { ms, failures } = input[name] ?? { ms: [0], failures: 0 };
        const duration = ms[attempt - 1] ?? ms.at(-1) ?? 0;
        if (duration > 0) await sleep(duration, undefined, name === 'stubborn' ? {} : { signal });
        if (attempt <= failures) throw new Error('Failed as the input says');
        appendFileSync(effects, effectLine(name, context));
        return { attempt, mark: randomUUID() };
      }
    }
    SubTask({ name, retry: { attempts: MAX_FAILURES, delay: '4ms' }, ...OPTIONS[name] })(Scripted);
    return Scripted;
  };
  const taskOf = (name: TaskName) => {
    const subTasks = TASKS[name].map((subTask) => ({
      subTask: handlerOf(subTask),
      start: STARTS[subTask] ?? 'at-once',
    }));
    class Crash {}
    Task({ name, subTasks, hedgeBudget: '100%', ...(name === 'crash' && { webhooks: [{ url: webhook }] }) })(
      Crash,
    );
    return [Crash, ...subTasks.map(({ subTask }) => subTask)];
  };
  class CrashModule {}
  Module({ providers: [...tasks.flatMap(taskOf), ...streamTasks({ SubTask, Task }, effects)] })(CrashModule);
  return CrashModule;
}
