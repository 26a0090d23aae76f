import type { Request, Response } from 'express';
import { requireMatch } from '../http/preconditions.js';
import type { KeptWebhook } from '../run/webhook-keeping.js';
import type { ShownWebhooks } from './shown-webhooks.js';
import type { WebhookView } from './webhooks.schemas.js';

/** Documents the header. */
export const tagHeader = {
  ETag: {
    description: 'Changes with each change of the webhook, or of whether it is paused.',
    schema: { type: 'string' as const },
    example: 'W/"1"',
  },
};

/** A webhook as the API shows it; sets its entity tag. */
export function tagged(webhook: KeptWebhook, shown: ShownWebhooks, response: Response): Promise<WebhookView> {
  response.setHeader('ETag', `W/${tagOf(webhook)}`);
  return shown.one(webhook);
}

/** Makes a check that throws when a webhook doesn't meet the preconditions of a request. */
export function expectedBy({ headers }: Request) {
  return (webhook: KeptWebhook): void => {
    requireMatch(headers, tagOf(webhook));
  };
}

function tagOf({ revision }: KeptWebhook): string {
  return `"${revision}"`;
}
