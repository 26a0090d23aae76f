import type { Type } from '@nestjs/common';
import { coalesceSchema, coalescingOf, reuseSchema } from '../core/coalescing.js';
import { faceSchema } from '../core/face.js';
import { fairnessOf } from '../core/fairness.js';
import {
  losersPolicySchema,
  onBreakSchema,
  replyPolicySchema,
  runDeadlineSchema,
  type ReplyPolicy,
} from '../core/policies.js';
import { keepInputSchema, redactionOf, redactSchema } from '../core/redaction.js';
import { DEFAULT_HEDGE_BUDGET, hedgeBudgetSchema, hedgeShare, startOrderSchema } from '../core/start-rule.js';
import type { SubTaskDefinition, TaskDefinition } from '../core/task.js';
import { checkedName, checkedSchema, parsed, TaskDeclarationError } from './declared.js';
import { declaredWebhooks } from './declared-webhooks.js';
import { subTaskList, type ListedSubTask } from './listed-sub-tasks.js';
import type { TaskOptions } from './task.js';

/** The options of a task whose sub-tasks are not listed as classes. */
export type TaskOptionsOf<T> = Omit<TaskOptions, 'subTasks'> & {
  readonly subTasks: readonly ListedSubTask<T>[];
};

/**
 * Checks a declared task, and fills in the defaults.
 *
 * @param className the task's name in messages
 * @param subTaskOf finds the definition of a listed sub-task
 * @throws {TaskDeclarationError}
 */
export function defineTask<T extends { readonly name: string } = Type>(
  options: TaskOptions | TaskOptionsOf<T>,
  className: string,
  subTaskOf: (subTask: T) => SubTaskDefinition,
): TaskDefinition {
  const name = checkedName(options.name, className);
  const entries = options.subTasks as TaskOptionsOf<T>['subTasks'];
  const { subTasks, starts, conditions, shadows } = subTaskList(entries, className, subTaskOf);
  const streams = subTasks.some(({ name, stream }) => stream !== undefined && !shadows?.has(name));
  const redaction = redactionOf(
    parsed(() => keepInputSchema.optional().parse(options.keepInput), `keepInput of ${className}`),
    parsed(() => redactSchema.optional().parse(options.redact), `redact of ${className}`),
  );
  const task: TaskDefinition = {
    name,
    subTasks,
    order: parsed(() => startOrderSchema.parse(options.order ?? 'declared'), `order of ${className}`),
    starts,
    conditions,
    shadows,
    hedgeBudget: parsed(
      () => hedgeShare(hedgeBudgetSchema.parse(options.hedgeBudget ?? DEFAULT_HEDGE_BUDGET)),
      `hedgeBudget of ${className}`,
    ),
    reply: parsed(
      () => replyPolicySchema.parse(options.reply ?? { policy: 'first-success' }),
      `reply of ${className}`,
    ),
    losers: parsed(
      () => losersPolicySchema.parse(options.losers ?? (streams ? 'cancel' : 'continue')),
      `losers of ${className}`,
    ),
    streams,
    onBreak: parsed(() => onBreakSchema.parse(options.onBreak ?? 'fail'), `onBreak of ${className}`),
    face: parsed(() => faceSchema.optional().parse(options.face), `face of ${className}`),
    coalescing: coalescingOf(
      parsed(() => coalesceSchema.optional().parse(options.coalesce), `coalesce of ${className}`),
      parsed(() => reuseSchema.optional().parse(options.reuse), `reuse of ${className}`),
    ),
    deadline: parsed(() => runDeadlineSchema.optional().parse(options.deadline), `deadline of ${className}`),
    input: checkedSchema(options.input, `input of ${className}`),
    callerHeaders: [...new Set(subTasks.flatMap(({ callerHeaders }) => callerHeaders))],
    redaction,
    fairness: parsed(() => fairnessOf(options, redaction), `concurrencyKey of ${className}`),
    webhooks: parsed(() => declaredWebhooks(options.webhooks), `declaration of webhooks in ${className}`),
  };
  if (task.subTasks.length === 0) {
    throw new TaskDeclarationError(
      `The task ${className} has no sub-tasks; list at least one class in its subTasks`,
    );
  }
  const elsewhere = task.redaction && task.subTasks.find(({ placement }) => placement === 'worker');
  if (elsewhere)
    throw new TaskDeclarationError(
      `The sub-task ${elsewhere.name} of ${className} is placed on a worker, which has from the journal what it works with; take out its placement, or keepInput and redact`,
    );
  const shown = (task.redaction?.result.length ?? 0) > 0 && task.subTasks.find(({ stream }) => stream);
  if (shown)
    throw new TaskDeclarationError(
      `The sub-task ${shown.name} of ${className} streams, and the journal has its chunks as they are; take out its stream, or what redact says of results`,
    );
  if (task.coalescing && (task.redaction?.result.length ?? 0) > 0)
    throw new TaskDeclarationError(
      `The task ${className} coalesces or reuses runs, whose results others have from the journal; take out coalesce and reuse, or what redact says of results`,
    );
  const misfit = replyMisfit(task, task.reply);
  if (misfit) throw new TaskDeclarationError(`The reply of ${className} can't be met: ${misfit.detail}`);
  return task;
}

/** Why `reply` can't work with `task`, and a pointer to the wrong field of `reply`; undefined when it can. */
export function replyMisfit(
  task: Pick<TaskDefinition, 'name' | 'subTasks' | 'redaction' | 'shadows'>,
  reply: ReplyPolicy,
): { pointer: string; detail: string } | undefined {
  const names = task.subTasks.map(({ name }) => name).filter((name) => !task.shadows?.has(name));
  if (reply.policy === 'primary' && task.shadows?.has(reply.primary))
    return {
      pointer: '/primary',
      detail: `${JSON.stringify(reply.primary)} is a shadow, whose result is in no reply; there are ${names.join(', ')}`,
    };
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
