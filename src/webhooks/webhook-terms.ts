import { labelTexts } from '../core/labels.js';
import type { SealedSecret, WebhookTerms } from '../core/webhook.schema.js';
import type { KeptWebhook } from '../run/webhook-keeping.js';
import type { WebhookChange, WebhookRequest } from './webhooks.schemas.js';

/** What a request for a webhook makes of it. @param onlyClient whose runs alone its maker sees */
export function termsOf(
  { secret: _, labels, ...request }: WebhookRequest,
  secrets: readonly SealedSecret[],
  onlyClient: string | undefined,
): WebhookTerms {
  return {
    ...request,
    secrets,
    ...(labels && { labels: labelTexts(labels) }),
    ...(onlyClient !== undefined && { onlyClient }),
  };
}

/** The terms of a webhook as a change leaves them. */
export function changedTerms(
  terms: WebhookTerms,
  { paused: _, labels, ...change }: WebhookChange,
): WebhookTerms {
  const texts = labels === undefined ? {} : { labels: labels && labelTexts(labels) };
  const members = Object.entries({ ...terms, ...change, ...texts });
  return Object.fromEntries(members.filter(([, value]) => value !== null)) as WebhookTerms;
}

/** What is kept of a webhook's terms. */
export function parsedTerms({ terms }: Pick<KeptWebhook, 'terms'>): WebhookTerms {
  return JSON.parse(terms) as WebhookTerms;
}
