import { z } from 'zod';
import { EVENT_TYPES } from './event-types.js';
import { DEFAULT_WEBHOOK_EVENTS, type WebhookTarget } from './webhook.schema.js';

type Shown = Pick<WebhookTarget, 'url' | 'written' | 'events'>;

/** The URL that callers, the log and metrics get to see. It has no query, because the query may contain a token. */
export function shownUrl({ url, written }: Pick<Shown, 'url' | 'written'>): string {
  return written ?? url.replace(/\?.*$/s, '');
}

/** The webhooks of a run or a task as callers see them. */
export function webhookViews(webhooks: readonly Shown[]) {
  return webhooks.map((webhook) => ({
    url: shownUrl(webhook),
    events: webhook.events ?? DEFAULT_WEBHOOK_EVENTS,
  }));
}

export const webhookViewsSchema = z.array(
  z.object({
    url: z.string().meta({ description: 'Without its query; variables of the environment by their names.' }),
    events: z.array(z.enum(EVENT_TYPES)),
  }),
);
