import {
  MOST_DELIVERED,
  type DeliveryPosition,
  type DeliveryQuery,
  type KeptDelivery,
  type WebhookProgress,
} from '../../run/webhook-keeping.js';
import { deliveryPage, deliveryPositions } from './delivery-reads.js';
import { putDelivery } from './delivery-rows.js';
import type { Statements } from './statements.js';
import { changeWebhook, moveCursor, webhook } from './webhook-rows.js';

/** The changes to record for a webhook. */
export interface Settling {
  readonly id: string;
  readonly progress: WebhookProgress;
  readonly now: number;
  /** Whether to delete delivered ones beyond the most that are kept. */
  readonly prunes: boolean;
}

export interface Settled {
  /** False for a webhook that is gone. */
  readonly recorded: boolean;
  /** Whether it is paused from now on. */
  readonly paused: boolean;
}

/** Progress of a change to a query's deliveries. */
export interface ChangedSome {
  readonly changed: number;
  /** The position after which the next ones come; undefined when none are left. */
  readonly last: DeliveryPosition | undefined;
}

const IS_ERASED = 'SELECT 1 FROM erased_runs WHERE id = ?';
const PRUNE = `
  DELETE FROM webhook_deliveries WHERE webhook = ? AND state = 'delivered' AND event < (
    SELECT event FROM webhook_deliveries WHERE webhook = ? AND state = 'delivered'
    ORDER BY event DESC LIMIT 1 OFFSET ${MOST_DELIVERED - 1})`;
const DISCARD = 'DELETE FROM webhook_deliveries WHERE webhook = ? AND event = ? AND target = ?';

/** Records the progress of webhooks. For the rest see the interface. */
export function settleWebhooks(statements: Statements, settlings: readonly Settling[]): Settled[] {
  return settlings.map((settling) => settle(statements, settling));
}

function settle(statements: Statements, { id, progress, now, prunes }: Settling): Settled {
  const { cursor, cursorAt, deliveries, pause } = progress;
  if (!moveCursor(statements, id, cursor, cursorAt)) return { recorded: false, paused: false };
  for (const delivery of deliveries)
    if (statements.all(IS_ERASED, delivery.runId).length === 0) putDelivery(statements, delivery);
  if (prunes) statements.run(PRUNE, id, id);
  return { recorded: true, paused: pause !== undefined && pauseNow(statements, id, pause, now) };
}

function pauseNow(
  statements: Statements,
  id: string,
  paused: NonNullable<WebhookProgress['pause']>,
  now: number,
): boolean {
  const found = webhook(statements, id);
  if (found?.paused !== null) return false;
  return changeWebhook(statements, id, found.revision, { terms: found.terms, paused }, now);
}

/** Changes some dead deliveries of a query to waiting. They are read one at a time, because they may be large. */
export function redriveSome(
  statements: Statements,
  query: DeliveryQuery,
  dueAt: number,
  limit: number,
  behind?: DeliveryPosition,
): ChangedSome {
  const found = deadOf(statements, query, limit, behind);
  for (const { webhook: id, event, target } of found)
    for (const dead of deliveryPage(statements, { webhook: id, event, target }, 1))
      putDelivery(statements, waiting(dead, dueAt));
  return { changed: found.length, last: found[limit - 1] };
}

/** Deletes some dead deliveries of a query. */
export function discardSome(
  statements: Statements,
  query: DeliveryQuery,
  limit: number,
  behind?: DeliveryPosition,
): ChangedSome {
  const found = deadOf(statements, query, limit, behind);
  for (const { webhook: id, event, target } of found) statements.run(DISCARD, id, event, target);
  return { changed: found.length, last: found[limit - 1] };
}

function deadOf(statements: Statements, query: DeliveryQuery, limit: number, behind?: DeliveryPosition) {
  return deliveryPositions(statements, { ...query, states: ['dead'] }, limit, behind);
}

function waiting(dead: KeptDelivery, dueAt: number): KeptDelivery {
  return { ...dead, state: 'waiting', attempts: 0, dueAt };
}
