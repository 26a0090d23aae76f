import { DEFAULT_WEBHOOK_EVENTS, type WebhookTarget } from './webhook.schema.js';

type Shown = Pick<WebhookTarget, 'url' | 'written' | 'events'>;

/** The URL that callers, the log and metrics are told: without its query, which may have a token. */
export function shownUrl({ url, written }: Pick<Shown, 'url' | 'written'>): string {
  return written ?? url.replace(/\?.*$/s, '');
}

/** What is shown of the webhooks of a run or a task. */
export function webhookViews(webhooks: readonly Shown[]) {
  return webhooks.map((webhook) => ({
    url: shownUrl(webhook),
    events: webhook.events ?? DEFAULT_WEBHOOK_EVENTS,
  }));
}
