import { EVENT_TYPES } from '../core/event-types.js';
import type { RunEvent } from '../core/events.js';
import { hasLabels } from '../core/labels.js';
import { DEFAULT_WEBHOOK_EVENTS, type WebhookTarget, type WebhookTerms } from '../core/webhook.schema.js';
import type { EventQuery } from '../run/journal-pages.js';
import { WEBHOOKS_OF_RUNS, type KeptWebhook } from '../run/webhook-keeping.js';
import type { KnownRun } from './known-runs.js';
import { parsedTerms } from './webhook-terms.js';

/** The recipient of an event: the index of the run's own webhook, or 0, and its terms. */
type Addressee = readonly [target: number, terms: WebhookTarget];

/** The events that a webhook receives. */
export interface Wanted {
  /** The filter for pages of the log. */
  readonly query: Pick<EventQuery, 'types' | 'task' | 'labels' | 'client'>;
  /** The terms of all deliveries; undefined where each run has its own terms. */
  readonly terms: WebhookTerms | undefined;
  /** Whether an event may match. @param run undefined when it isn’t known */
  mayFit(event: RunEvent, run: KnownRun | undefined): boolean;
  addressees(event: RunEvent, run: KnownRun): readonly Addressee[];
}

export function wantedBy({ id, terms }: KeptWebhook): Wanted {
  return id === WEBHOOKS_OF_RUNS ? OF_RUNS : ofSubscription(parsedTerms({ terms }));
}

/** For the webhooks that runs have themselves. */
const OF_RUNS: Wanted = {
  query: {},
  terms: undefined,
  mayFit: ({ type }, run) => type !== 'run.erased' && (!run || run.webhooks !== undefined),
  addressees: ({ type }, { webhooks = [] }) =>
    webhooks.flatMap((terms, target) => (isTold(terms, type) ? [[target, terms] as const] : [])),
};

function ofSubscription(terms: WebhookTerms): Wanted {
  const { tasks, labels, onlyClient } = terms;
  const types = new Set<string>(terms.events ?? DEFAULT_WEBHOOK_EVENTS);
  const [task] = tasks?.length === 1 ? tasks : [];
  const addressees: readonly Addressee[] = [[0, terms]];
  return {
    query: {
      // The first event of a run is always read, because it has the traceparent.
      types: EVENT_TYPES.filter((type) => type === 'run.started' || types.has(type)),
      ...(task !== undefined && { task }),
      ...(labels && { labels }),
      ...(onlyClient !== undefined && { client: onlyClient }),
    },
    terms,
    mayFit: (event) =>
      types.has(event.type) &&
      (!tasks || tasks.includes(event.task)) &&
      (onlyClient === undefined || event.client === onlyClient) &&
      hasLabels(event.labels, labels),
    addressees: () => addressees,
  };
}

function isTold({ events }: WebhookTarget, type: string): boolean {
  return (events ?? DEFAULT_WEBHOOK_EVENTS).some((one) => one === type);
}
