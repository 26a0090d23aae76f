import { Injectable } from '@nestjs/common';
import { labelsOf } from '../core/labels.js';
import { clientName } from '../core/run-origin.js';
import { WEBHOOK_DEFAULTS } from '../core/webhook-defaults.js';
import { DEFAULT_WEBHOOK_EVENTS } from '../core/webhook.schema.js';
import { shownUrl } from '../core/webhook-view.js';
import { behindMs } from '../run/behind.js';
import { Journal } from '../run/journal.js';
import type { DeliveryCounts, KeptWebhook } from '../run/webhook-keeping.js';
import { parsedTerms } from './webhook-terms.js';
import type { WebhookView } from './webhooks.schemas.js';

/** Webhooks as the API shows them: without secrets, and with their progress. */
@Injectable()
export class ShownWebhooks {
  constructor(private readonly journal: Journal) {}

  /** @throws {DomainError} `journal-unavailable` */
  async of(webhooks: readonly KeptWebhook[]): Promise<WebhookView[]> {
    const counts = await this.journal.webhooks.counts();
    const views: WebhookView[] = [];
    // Most webhooks have the same cursor.
    const known = new Map<number, WebhookView['behind']>();
    for (const webhook of webhooks) {
      const behind = known.get(webhook.cursor) ?? (await this.behind(webhook.cursor));
      known.set(webhook.cursor, behind);
      views.push(viewOf(webhook, behind, counts.get(webhook.id)));
    }
    return views;
  }

  async one(webhook: KeptWebhook): Promise<WebhookView> {
    const [counts, behind] = await Promise.all([this.journal.webhooks.counts(), this.behind(webhook.cursor)]);
    return viewOf(webhook, behind, counts.get(webhook.id));
  }

  /** The backlog after an event. */
  private async behind(cursor: number): Promise<WebhookView['behind']> {
    const events = Math.max(0, this.journal.lastEventId - cursor);
    return { events, seconds: (await behindMs(this.journal, cursor)) / 1_000 };
  }
}

function viewOf(
  webhook: KeptWebhook,
  behind: WebhookView['behind'],
  { waiting, dead }: DeliveryCounts = { waiting: 0, dead: 0 },
): WebhookView {
  const terms = parsedTerms(webhook);
  const { events = DEFAULT_WEBHOOK_EVENTS, tasks, labels, description, retry, onlyClient } = terms;
  const { format = WEBHOOK_DEFAULTS.format, timeout = WEBHOOK_DEFAULTS.timeout } = terms;
  const { paused, pausedAt, client } = webhook;
  return {
    id: webhook.id,
    url: shownUrl(terms),
    events: [...events],
    ...(tasks && { tasks: [...tasks] }),
    ...(labels && { labels: labelsOf(labels) }),
    ...(description !== undefined && { description }),
    format,
    retry: { ...WEBHOOK_DEFAULTS.retry, ...retry },
    timeout,
    state: paused === null ? 'active' : 'paused',
    ...(paused !== null && { reason: paused }),
    ...(pausedAt !== null && { since: new Date(pausedAt).toISOString() }),
    ...{ behind, waiting, dead },
    client: client === null ? null : clientName(client),
    ...(onlyClient !== undefined && { ownRuns: true as const }),
    createdAt: new Date(webhook.createdAt).toISOString(),
  };
}
