import type { DomainError, InputError } from '../core/domain-error.js';
import { parseJson } from '../core/exact-json.js';
import type { RunOrigin } from '../core/run-origin.js';
import type { TaskDefinition } from '../core/task.js';
import type { WebhookTarget } from '../core/webhook.schema.js';
import type { RunTerms } from '../run/run-terms.js';
import { acceptRun } from '../tasks/accepted-run.js';
import type { RunRequest } from '../tasks/tasks.schemas.js';

interface Requested {
  readonly request: RunRequest;
  readonly origin: RunOrigin;
  readonly webhooks?: readonly WebhookTarget[];
}

/** The terms of a run, as a request keeps them until the run begins. */
export function textOfTerms(terms: RunTerms): string {
  const { input, replyPolicy, losers, labels, deadline, origin, webhooks } = terms;
  const request = { input, reply: replyPolicy, losers, labels, deadline };
  const { parent: _, ...kept } = origin;
  return JSON.stringify({ request, origin: kept, webhooks });
}

/**
 * The terms of a requested run that begins now. If the task has changed and the terms no longer fit it, the run begins all the same and
 * fails: its caller was told that the run exists.
 */
export async function termsOfText(id: string, task: TaskDefinition, text: string): Promise<RunTerms> {
  const { request, origin, webhooks } = parseJson(text) as Requested;
  try {
    return { ...(await acceptRun(task, request, origin, undefined)), id, webhooks };
  } catch (error) {
    const { input, labels } = request;
    const terms = await acceptRun(
      { ...task, input: undefined, conditions: undefined },
      { input, labels },
      origin,
      undefined,
    );
    const message = `The request fits the task no more: ${reasonOf(error)}`;
    return { ...terms, id, webhooks, unfit: { code: 'input-unfit', message } };
  }
}

function reasonOf(error: unknown): string {
  const { errors } = (error as DomainError).details as { errors?: readonly InputError[] };
  return errors?.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ') ?? (error as Error).message;
}
