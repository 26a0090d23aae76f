import type { Type } from '@nestjs/common';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ZodError } from 'zod';
import { HEADER_NAME } from '../core/caller-headers.js';
import { milliseconds, type Duration } from '../core/duration.js';
import { NAME, NAME_FORM } from '../core/name.js';
import {
  losersPolicySchema,
  replyPolicySchema,
  runDeadlineSchema,
  type ReplyPolicy,
} from '../core/policies.js';
import { keepInputSchema, redactionOf, redactSchema } from '../core/redaction.js';
import {
  DEFAULT_HEDGE_BUDGET,
  hedgeBudgetSchema,
  hedgeShare,
  startOrderMisfit,
  startRuleSchema,
  type StartRule,
} from '../core/start-rule.js';
import {
  SUB_TASK_PLACEMENTS,
  type SubTaskHandler,
  type SubTaskOptions,
  type SubTaskPlacement,
} from '../core/sub-task.js';
import type { SubTaskDefinition, TaskDefinition } from '../core/task.js';
import { CheckedResults } from './checked-results.js';
import { declaredWebhooks } from './declared-webhooks.js';
import { isStandardSchema } from './standard-schema.js';
import type { TaskOptions } from './task.js';
import { textOf } from '../core/thrown.js';

/** A task that can't be run as it is declared. The message names the classes and the mend. */
export class TaskDeclarationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TaskDeclarationError';
  }
}

/** A declared sub-task with its defaults filled in. @throws {TaskDeclarationError} */
export function defineSubTask(
  options: SubTaskOptions,
  handler: SubTaskHandler<unknown>,
  className: string,
): SubTaskDefinition {
  const { retry = {}, timeout = '60s', concurrency = Infinity, placement = 'here' } = options;
  const { callerHeaders = [] } = options;
  const misnamed = callerHeaders.find((header) => !HEADER_NAME.test(header));
  if (misnamed !== undefined)
    throw new TaskDeclarationError(
      `callerHeaders of ${className} has ${JSON.stringify(misnamed)}, which is no name of a header; mend it`,
    );
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
  const timeoutMs = durationMs(timeout, 'timeout');
  if (timeoutMs === 0)
    throw new TaskDeclarationError(
      `The timeout of ${className} is 0; it takes more: no attempt could succeed`,
    );
  const output = checkedSchema(options.output, `output of ${className}`);
  return {
    name: checkedName(options.name, className),
    handler: output ? new CheckedResults(handler, output) : handler,
    timeoutMs,
    retry: {
      attempts: checkedCount(retry.attempts ?? 1, `retry.attempts of ${className}`),
      delayMs: durationMs(retry.delay ?? '100ms', 'retry.delay'),
      maxDelayMs: durationMs(retry.maxDelay ?? '10s', 'retry.maxDelay'),
      maxWaitMs: durationMs(retry.maxWait ?? retry.maxDelay ?? '10s', 'retry.maxWait'),
      except: retry.except ?? [],
    },
    concurrency:
      concurrency === Infinity ? concurrency : checkedCount(concurrency, `concurrency of ${className}`),
    placement: checkedPlacement(placement, className),
    callerHeaders: callerHeaders.map((header) => header.toLowerCase()),
  };
}

/** What a task is declared with, where its sub-tasks aren't listed as classes. */
export type TaskOptionsOf<T> = Omit<TaskOptions, 'subTasks'> & {
  readonly subTasks: readonly { readonly subTask: T; readonly start: StartRule }[];
};

/**
 * A declared task; `subTaskOf` finds the definition of each sub-task that it lists.
 *
 * @param className what messages call the task
 * @throws {TaskDeclarationError}
 */
export function defineTask<T extends { readonly name: string } = Type>(
  options: TaskOptions | TaskOptionsOf<T>,
  className: string,
  subTaskOf: (subTask: T) => SubTaskDefinition,
): TaskDefinition {
  const listed = options.subTasks.map((entry) =>
    isClass(entry) ? { subTask: entry, start: 'at-once' as const } : entry,
  ) as TaskOptionsOf<T>['subTasks'];
  const subTasks = listed.map(({ subTask }) => subTaskOf(subTask));
  const task: TaskDefinition = {
    name: checkedName(options.name, className),
    subTasks,
    starts: listed.map(({ subTask, start }) =>
      parsed(() => startRuleSchema.parse(start), `start of ${subTask.name} in the task ${className}`),
    ),
    hedgeBudget: parsed(
      () => hedgeShare(hedgeBudgetSchema.parse(options.hedgeBudget ?? DEFAULT_HEDGE_BUDGET)),
      `hedgeBudget of ${className}`,
    ),
    reply: parsed(
      () => replyPolicySchema.parse(options.reply ?? { policy: 'first-success' }),
      `reply of ${className}`,
    ),
    losers: parsed(() => losersPolicySchema.parse(options.losers ?? 'continue'), `losers of ${className}`),
    deadline: parsed(() => runDeadlineSchema.optional().parse(options.deadline), `deadline of ${className}`),
    input: checkedSchema(options.input, `input of ${className}`),
    callerHeaders: [...new Set(subTasks.flatMap(({ callerHeaders }) => callerHeaders))],
    redaction: redactionOf(
      parsed(() => keepInputSchema.optional().parse(options.keepInput), `keepInput of ${className}`),
      parsed(() => redactSchema.optional().parse(options.redact), `redact of ${className}`),
    ),
    webhooks: parsed(() => declaredWebhooks(options.webhooks), `declaration of webhooks in ${className}`),
  };
  if (task.subTasks.length === 0) {
    throw new TaskDeclarationError(
      `The task ${className} has no sub-tasks; list at least one class in its subTasks`,
    );
  }
  task.subTasks.forEach(({ name }, index) => {
    const other = task.subTasks.findIndex((subTask) => subTask.name === name);
    if (other !== index) {
      const [first, second] = [other, index].map((at) => listed[at]?.subTask.name ?? '');
      throw new TaskDeclarationError(
        `In the task ${className} the sub-tasks ${String(first)} and ${String(second)} are both named "${name}"; rename or remove one`,
      );
    }
  });
  const elsewhere = task.redaction && task.subTasks.find(({ placement }) => placement === 'worker');
  if (elsewhere)
    throw new TaskDeclarationError(
      `The sub-task ${elsewhere.name} of ${className} is placed on a worker, which has from the journal what it works with; take out its placement, or keepInput and redact`,
    );
  const startMisfit = startOrderMisfit(
    listed.map(({ subTask }) => subTask.name),
    task.starts,
  );
  if (startMisfit !== undefined)
    throw new TaskDeclarationError(`The start rules of ${className} don't fit: ${startMisfit}`);
  const misfit = replyMisfit(task, task.reply);
  if (misfit) throw new TaskDeclarationError(`The reply of ${className} can't be met: ${misfit.detail}`);
  return task;
}

/** Why `reply` can't work with `task`, and the field that says so; undefined when it can. */
export function replyMisfit(
  task: Pick<TaskDefinition, 'name' | 'subTasks' | 'redaction'>,
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
  if (reply.policy === 'agreement' && (task.redaction?.result.length ?? 0) > 0)
    return {
      pointer: '/policy',
      detail:
        'agreement compares results as the journal has them, but redact takes values out; use another policy',
    };
  if (reply.policy === 'agreement' && reply.agreement > names.length) {
    return {
      pointer: '/agreement',
      detail: `${String(reply.agreement)} equal results are more than the ${String(names.length)} sub-tasks of ${task.name}`,
    };
  }
  const detail = minMisfit(reply, task.name, names.length);
  return detail === undefined ? undefined : { pointer: '/min', detail };
}

function minMisfit(reply: ReplyPolicy, task: string, count: number): string | undefined {
  if (!('min' in reply)) return undefined;
  if (reply.deadline === undefined) return 'belongs to a deadline; add deadline, or leave min out';
  if (reply.policy === 'quorum' && reply.min > reply.quorum)
    return `${String(reply.min)} successes are more than the quorum of ${String(reply.quorum)}`;
  if (reply.min <= count) return undefined;
  return `${String(reply.min)} successes are more than the ${String(count)} sub-tasks of ${task}`;
}

/** Whatever isn't the object of a later sub-task counts as a class, `undefined` too: who looks it up says what is wrong with it. */
function isClass(entry: unknown): entry is Type<SubTaskHandler> {
  return typeof entry !== 'object' || entry === null;
}

function checkedName(name: unknown, className: string): string {
  if (typeof name === 'string' && NAME.test(name)) return name;
  throw new TaskDeclarationError(
    `The name of ${className} is ${JSON.stringify(name)}; it takes ${NAME_FORM}`,
  );
}

function checkedSchema(schema: unknown, what: string): StandardSchemaV1 | undefined {
  if (schema === undefined || isStandardSchema(schema)) return schema;
  throw new TaskDeclarationError(
    `The ${what} is no Standard Schema; it takes a schema of zod (3.24 or later), valibot (1), arktype (2) or another library that follows it`,
  );
}

function checkedCount(count: number, what: string): number {
  if (Number.isInteger(count) && count >= 1) return count;
  throw new TaskDeclarationError(`The ${what} is ${String(count)}; it takes a whole number from 1`);
}

function checkedPlacement(placement: SubTaskPlacement, className: string): SubTaskPlacement {
  if (SUB_TASK_PLACEMENTS.includes(placement)) return placement;
  throw new TaskDeclarationError(
    `The placement of ${className} is ${JSON.stringify(placement)}; it takes ${SUB_TASK_PLACEMENTS.join(' or ')}`,
  );
}

function parsed<T>(parse: () => T, what: string): T {
  try {
    return parse();
  } catch (error) {
    const reason =
      error instanceof ZodError ? error.issues.map(({ message }) => message).join('; ') : textOf(error);
    throw new TaskDeclarationError(`The ${what} is wrong: ${reason}`);
  }
}
