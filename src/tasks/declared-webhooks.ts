import { z } from 'zod';
import { inputErrors } from '../core/domain-error.js';
import { Hidden } from '../core/hidden.js';
import type { DeclaredWebhook } from '../core/task.js';
import { MOST_WEBHOOKS_OF_RUN, taskWebhookSchema, type TaskWebhook } from '../core/webhook.schema.js';

const webhooksSchema = z.array(taskWebhookSchema).max(MOST_WEBHOOKS_OF_RUN);

/** Checks the webhooks that a class declares for its task. @throws {Error} that says what is wrong with the webhooks */
export function declaredWebhooks(value: unknown): readonly DeclaredWebhook[] | undefined {
  if (value === undefined) return undefined;
  const { data, error } = webhooksSchema.safeParse(value);
  if (data) return data.map((webhook) => declaredWebhook(webhook));
  throw new Error(
    inputErrors(error.issues)
      .map(({ pointer, detail }) => `${pointer} ${detail}`)
      .join('; '),
  );
}

/** @param written the URL to show, where the real URL must not be shown */
export function declaredWebhook({ secret, ...webhook }: TaskWebhook, written?: string): DeclaredWebhook {
  return {
    ...webhook,
    ...(secret !== undefined && { secret: new Hidden(secret) }),
    ...(written !== undefined && { written }),
  };
}
