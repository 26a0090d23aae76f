import { breakerView } from '../core/breaker.js';
import { coalescingView } from '../core/coalescing.js';
import { webhookViews } from '../core/webhook-view.js';
import type { Condition } from '../core/condition.js';
import type { ShadowTerms } from '../core/shadow.js';
import type { TaskDefinition } from '../core/task.js';
import { inputJsonSchema } from './standard-schema.js';

/** A task as `GET /tasks/{name}` shows it. */
export function taskView(task: TaskDefinition) {
  const {
    name,
    subTasks,
    starts,
    reply,
    losers,
    deadline,
    order,
    hedgeBudget,
    face,
    coalescing,
    fairness,
    conditions,
    shadows,
    input,
    webhooks,
  } = task;
  return {
    name,
    subTasks: subTasks.map(
      (
        { name, handler, timeoutMs, retry: { except: _, ...retry }, concurrency, placement, breaker },
        index,
      ) => ({
        name,
        ...(handler.target !== undefined && { target: handler.target }),
        timeoutMs,
        retry,
        concurrency: concurrency === Infinity ? null : concurrency,
        placement,
        start: starts[index] ?? 'at-once',
        ...clausesView(conditions?.get(name), shadows?.get(name)),
        ...(breaker && { breaker: breakerView(breaker, task.name, name) }),
      }),
    ),
    reply,
    losers,
    ...(deadline !== undefined && { deadline }),
    ...(face !== undefined && { face }),
    order,
    ...(coalescing && coalescingView(coalescing)),
    ...(fairness && { concurrencyKey: fairness.key.text }),
    ...(fairness && fairness.perKey !== Infinity && { concurrencyPerKey: fairness.perKey }),
    hedgeBudget: hedgeBudget === Infinity ? null : hedgeBudget,
    input: input ? inputJsonSchema(input) : {},
    ...(webhooks && { webhooks: webhookViews(webhooks) }),
  };
}

function clausesView(condition: Condition | undefined, shadow: ShadowTerms | undefined) {
  return {
    ...(condition && { when: condition.text ?? 'function' }),
    ...(shadow && { shadow }),
  };
}
