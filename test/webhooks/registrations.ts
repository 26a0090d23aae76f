import type { RunEvent } from '../../src/core/events.js';
import type { Labels } from '../../src/core/labels.js';
import type { WebhookTarget } from '../../src/core/webhook.schema.js';
import type { LogDatabase } from '../crash/log-proof.ts';
import type { ExpectedEvent, Registration } from './deliveries-proof.ts';
import { digestOf, PLACES } from './receivers.ts';
import type { Subscription } from './subscriptions.ts';

/** What a webhook is told of that names no types. */
const DEFAULT_TYPES: readonly string[] = ['run.replied', 'run.finished'];

/** An event as the API shows it, without its data. */
export interface LoggedEvent extends ExpectedEvent {
  readonly task: string;
  readonly labels: Labels;
}

export function loggedEvent(event: RunEvent): LoggedEvent {
  const { id, runId, type, task, labels = {} } = event;
  return { id, runId, type, task, labels, digest: digestOf(event) };
}

interface StartRow {
  readonly runId: string;
  /** JSON */
  readonly data: string;
}

export interface Start {
  readonly webhooks?: readonly WebhookTarget[];
  readonly traceparent?: string;
}

/** What runs are recorded with, by their ids. */
export async function startsOf(database: LogDatabase): Promise<ReadonlyMap<string, Start>> {
  const rows = await database.rows<StartRow>(
    `SELECT run_id AS "runId", data FROM events WHERE type = 'run.started'`,
  );
  return new Map(rows.map(({ runId, data }) => [runId, JSON.parse(data) as Start]));
}

/** The token of one of the harness’s URLs. */
export function tokenOf(url: string): string {
  return new URL(url).searchParams.get('for') ?? url;
}

/** All webhooks, and what they are told of by the log. */
export function registrationsOf(
  log: readonly LoggedEvent[],
  starts: ReadonlyMap<string, Start>,
  subscriptions: readonly Subscription[],
): Registration[] {
  return [...ofRuns(log, starts), ...subscriptions.map((subscription) => ofSubscription(log, subscription))];
}

/** Several runs share the webhook of their task. */
function ofRuns(log: readonly LoggedEvent[], starts: ReadonlyMap<string, Start>): Registration[] {
  const byToken = new Map<string, { events: ExpectedEvent[]; order: Registration['order'] }>();
  for (const [runId, events] of Map.groupBy(log, (event) => event.runId)) {
    const { webhooks = [], traceparent } = starts.get(runId) ?? {};
    for (const { url, events: types = DEFAULT_TYPES } of webhooks) {
      const token = tokenOf(url);
      const isHopeless = ['broken', 'gone'].includes(placeIn(url));
      const told = byToken.get(token) ?? { events: [], order: isHopeless ? 'came' : 'taken' };
      byToken.set(token, told);
      const fitting = events.filter(({ type }) => types.some((one) => one === type));
      told.events.push(...fitting.map((event) => ({ ...event, traceparent })));
    }
  }
  return [...byToken].map(([token, { events, order }]) => ({ token, events, order, optionalUpTo: 0 }));
}

const placeIn = (url: string) => PLACES.find((place) => new URL(url).pathname.split('/')[1] === place) ?? url;

function ofSubscription(
  log: readonly LoggedEvent[],
  { token, terms, isHasty, after, optionalUpTo }: Subscription,
): Registration {
  const { events: types = DEFAULT_TYPES, tasks, labels = {} } = terms;
  const fits = ({ id, type, task, labels: own }: LoggedEvent): boolean =>
    id > after &&
    types.includes(type) &&
    (tasks?.includes(task) ?? true) &&
    Object.entries(labels).every(([name, value]) => own[name] === value);
  return { token, events: log.filter(fits), optionalUpTo, order: isHasty ? 'none' : 'taken' };
}
