import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module, type Type } from '@nestjs/common';
import type { StartRule } from '../../src/tasks/start-rule.js';
import type { SubTask, SubTaskContext, SubTaskHandler, SubTaskOptions } from '../../src/tasks/sub-task.js';
import type { Task } from '../../src/tasks/task.js';
import { effectLine } from './effects.ts';
import { MAX_FAILURES, STUBBORN_TIMEOUT_MS, SUB_TASKS, type Input, type SubTaskName } from './requests.ts';

/** The decorators of the build: those of `src` would mark classes for another service. */
interface Decorators {
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
};

/** Of those that don't start with their run. */
const STARTS: Readonly<Partial<Record<SubTaskName, StartRule>>> = {
  hedge: { after: '3ms' },
  spare: 'after-failure',
};

/** What a success of the task `crash` returns. */
export interface CrashResult {
  /** The attempt that brought it. */
  readonly attempt: number;
  /** Tells it from what the same attempt would return if it were made again. */
  readonly mark: string;
}

/** A module with the task `crash`, whose sub-tasks do as its input says. @param effects the file they leave traces in */
export function crashModule({ SubTask, Task }: Decorators, effects: string): Type {
  const subTasks = SUB_TASKS.map((name) => {
    class Scripted implements SubTaskHandler<Input> {
      async run(input: Input, context: SubTaskContext): Promise<CrashResult> {
        const { attempt, signal } = context;
        const { ms, failures } = input[name];
        const duration = ms[attempt - 1] ?? ms.at(-1) ?? 0;
        if (duration > 0) await sleep(duration, undefined, name === 'stubborn' ? {} : { signal });
        if (attempt <= failures) throw new Error('Failed as the input says');
        appendFileSync(effects, effectLine(name, context));
        return { attempt, mark: randomUUID() };
      }
    }
    SubTask({ name, retry: { attempts: MAX_FAILURES, delay: '4ms' }, ...OPTIONS[name] })(Scripted);
    return { subTask: Scripted, start: STARTS[name] ?? 'at-once' };
  });
  class Crash {}
  Task({ name: 'crash', subTasks, hedgeBudget: '100%' })(Crash);
  class CrashModule {}
  Module({ providers: [...subTasks.map(({ subTask }) => subTask), Crash] })(CrashModule);
  return CrashModule;
}
