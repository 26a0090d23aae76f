import { labelTexts } from '../core/labels.js';
import type { SealedSecret, WebhookTerms } from '../core/webhook.schema.js';
import type { KeptWebhook } from '../run/webhook-keeping.js';
import type { WebhookChange, WebhookRequest } from './webhooks.schemas.js';

/** The terms of a new webhook. @param onlyClient the client whose runs alone the webhook's creator may see */
export function termsOf(
  { secret: _, labels, ...request }: WebhookRequest,
  secrets: readonly SealedSecret[],
  onlyClient: string | undefined,
): WebhookTerms {
  const texts = labelTexts(labels);
  return {
    ...request,
    secrets,
    ...(texts.length > 0 && { labels: texts }),
    ...(onlyClient !== undefined && { onlyClient }),
  };
}

/** The terms of a webhook as a change leaves them. */
export function changedTerms(
  terms: WebhookTerms,
  { paused: _, labels, ...change }: WebhookChange,
): WebhookTerms {
  const texts = labelTexts(labels ?? undefined);
  const filter = labels === undefined ? {} : { labels: texts.length > 0 ? texts : null };
  const members = Object.entries({ ...terms, ...change, ...filter });
  return Object.fromEntries(members.filter(([, value]) => value !== null)) as WebhookTerms;
}

/** The terms of a webhook on record. */
export function parsedTerms({ terms }: Pick<KeptWebhook, 'terms'>): WebhookTerms {
  return JSON.parse(terms) as WebhookTerms;
}
