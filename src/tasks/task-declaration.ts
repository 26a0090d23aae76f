import type { Type } from '@nestjs/common';
import { milliseconds, type Duration } from './duration.js';
import { losersPolicySchema, replyPolicySchema, type ReplyPolicy } from './policies.js';
import type { SubTaskHandler, SubTaskOptions } from './sub-task.js';
import type { SubTaskDefinition, TaskDefinition, TaskOptions } from './task.js';
import { textOf } from './thrown.js';

/** A task that can't be run as it is declared. The message names the classes and the mend. */
export class TaskDeclarationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TaskDeclarationError';
  }
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

/** A declared sub-task with its defaults filled in. @throws {TaskDeclarationError} */
export function defineSubTask(
  options: SubTaskOptions,
  handler: SubTaskHandler<unknown>,
  className: string,
): SubTaskDefinition {
  const { retry = {}, timeout = '60s', concurrency = Infinity } = options;
  if (typeof handler.run !== 'function') {
    throw new TaskDeclarationError(`The sub-task ${className} has no method run(input, context); add one`);
  }
  if (retry.except?.some((type) => typeof type !== 'function')) {
    throw new TaskDeclarationError(
      `The retry.except of ${className} lists something that is no class (undefined often means a circular import)`,
    );
  }
  const durationMs = (value: Duration, what: string): number =>
    parsed(() => milliseconds(value), `${what} of ${className}`);
  return {
    name: checkedName(options.name, className),
    handler,
    timeoutMs: durationMs(timeout, 'timeout'),
    retry: {
      attempts: checkedCount(retry.attempts ?? 1, `retry.attempts of ${className}`),
      delayMs: durationMs(retry.delay ?? '100ms', 'retry.delay'),
      maxDelayMs: durationMs(retry.maxDelay ?? '10s', 'retry.maxDelay'),
      except: retry.except ?? [],
    },
    concurrency:
      concurrency === Infinity ? concurrency : checkedCount(concurrency, `concurrency of ${className}`),
  };
}

/** A declared task; `subTaskOf` finds the definition of each class that it lists. @throws {TaskDeclarationError} */
export function defineTask(
  options: TaskOptions,
  className: string,
  subTaskOf: (type: Type | undefined) => SubTaskDefinition,
): TaskDefinition {
  const task: TaskDefinition = {
    name: checkedName(options.name, className),
    subTasks: options.subTasks.map(subTaskOf),
    reply: parsed(
      () => replyPolicySchema.parse(options.reply ?? { policy: 'first-success' }),
      `reply of ${className}`,
    ),
    losers: parsed(() => losersPolicySchema.parse(options.losers ?? 'continue'), `losers of ${className}`),
    input: options.input,
  };
  if (task.subTasks.length === 0) {
    throw new TaskDeclarationError(
      `The task ${className} has no sub-tasks; list at least one class in its subTasks`,
    );
  }
  task.subTasks.forEach(({ name }, index) => {
    const other = task.subTasks.findIndex((subTask) => subTask.name === name);
    if (other !== index) {
      const [first, second] = [other, index].map((at) => options.subTasks[at]?.name ?? '');
      throw new TaskDeclarationError(
        `In the task ${className} the sub-tasks ${String(first)} and ${String(second)} are both named "${name}"; rename or remove one`,
      );
    }
  });
  const misfit = replyMisfit(task, task.reply);
  if (misfit) throw new TaskDeclarationError(`The reply of ${className} can't be met: ${misfit.detail}`);
  return task;
}

/** Why `reply` can't work with `task`, and the field that says so; undefined when it can. */
export function replyMisfit(
  task: Pick<TaskDefinition, 'name' | 'subTasks'>,
  reply: ReplyPolicy,
): { pointer: string; detail: string } | undefined {
  const names = task.subTasks.map(({ name }) => name);
  if (reply.policy === 'primary' && !names.includes(reply.primary)) {
    return {
      pointer: '/primary',
      detail: `${JSON.stringify(reply.primary)} is no sub-task of ${task.name}, which has ${names.join(', ')}`,
    };
  }
  if (reply.policy === 'quorum' && reply.quorum > names.length) {
    return {
      pointer: '/quorum',
      detail: `${String(reply.quorum)} successes are more than the ${String(names.length)} sub-tasks of ${task.name}`,
    };
  }
  return undefined;
}

function checkedName(name: unknown, className: string): string {
  if (typeof name === 'string' && NAME.test(name)) return name;
  throw new TaskDeclarationError(
    `The name of ${className} is ${JSON.stringify(name)}; it takes 1 to 64 letters, digits, ".", "_" and "-", beginning with a letter or digit`,
  );
}

function checkedCount(count: number, what: string): number {
  if (Number.isInteger(count) && count >= 1) return count;
  throw new TaskDeclarationError(`The ${what} is ${String(count)}; it takes a whole number from 1`);
}

function parsed<T>(parse: () => T, what: string): T {
  try {
    return parse();
  } catch (error) {
    throw new TaskDeclarationError(`The ${what} is wrong: ${textOf(error)}`);
  }
}
