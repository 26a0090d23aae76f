import { deliveryCounts, deliveryPage, dueDeliveries, nextDueAt, waitingOf } from './delivery-reads.js';
import { claimNote, note, notes, putNote, removeNote } from './note-rows.js';
import type { Statements } from './statements.js';
import { isWithdrawn, tokenSecret, withdrawToken } from './token-rows.js';
import { discardSome, redriveSome, settleWebhooks } from './webhook-progress.js';
import { addWebhook, changeWebhook, removeWebhook, webhook, webhooks } from './webhook-rows.js';

/** What is read of tables that have nothing to do with the log. */
export const READS = {
  tokenSecret,
  isWithdrawn,
  webhooks,
  webhook,
  dueDeliveries,
  nextDueAt,
  waitingOf,
  deliveryCounts,
  deliveryPage,
  notes,
  note,
};

/** What is written to them, each all or nothing. */
export const WRITES = {
  withdrawToken,
  addWebhook,
  changeWebhook,
  removeWebhook,
  settleWebhooks,
  redriveSome,
  discardSome,
  putNote,
  claimNote,
  removeNote,
};

/**
 * Those of which a power cut may undo the last, as whoever asked for them does them again, or they say what is so for moments only: no commit of
 * runs waits for their `fsync`.
 */
export const UNSYNCED: ReadonlySet<string> = new Set<keyof typeof WRITES>([
  'settleWebhooks',
  'putNote',
  'claimNote',
  'removeNote',
]);

/** The arguments of one of them. */
export type ArgumentsOf<Call> = Call extends (statements: Statements, ...args: infer Given) => unknown
  ? Given
  : never;
