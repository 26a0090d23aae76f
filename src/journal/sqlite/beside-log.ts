import { deliveryCounts, deliveryPage, dueDeliveries, nextDueAt, waitingOf } from './delivery-reads.js';
import { claimNote, note, notes, putNote, removeNote } from './note-rows.js';
import type { Statements } from './statements.js';
import { isWithdrawn, tokenSecret, withdrawToken } from './token-rows.js';
import { discardSome, redriveSome, settleWebhooks } from './webhook-progress.js';
import { addWebhook, changeWebhook, removeWebhook, webhook, webhooks } from './webhook-rows.js';

/** Functions that read tables beside the log. */
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

/** Functions that write tables beside the log. Each writes all of its changes or nothing. */
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
 * Writes whose `fsync` no commit of runs waits for. A power cut may undo the last of them: their callers repeat them, or they matter for
 * moments only.
 */
export const UNSYNCED: ReadonlySet<string> = new Set<keyof typeof WRITES>([
  'settleWebhooks',
  'putNote',
  'claimNote',
  'removeNote',
]);

/** The arguments of such a function, without the statements. */
export type ArgumentsOf<Call> = Call extends (statements: Statements, ...args: infer Given) => unknown
  ? Given
  : never;
