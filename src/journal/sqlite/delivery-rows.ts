import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { KeptDelivery } from '../../run/webhook-keeping.js';
import { expectWritten, rowChecksum } from './row-checksum.js';
import type { Statements } from './statements.js';

export type DeliveryRow = KeptDelivery & { readonly isFirst: 0 | 1; readonly checksum: number };

/** The columns under a row's checksum. The checksum is one higher while `is_first` is set. */
export const DELIVERY_COLUMNS =
  'webhook, event, target, run_id, task, type, state, attempts, due_at, changed_at, report, body, terms';

const PUT = `
  REPLACE INTO webhook_deliveries (${DELIVERY_COLUMNS}, is_first, checksum)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const FIRST_OTHER = `
  SELECT event, is_first AS isFirst FROM webhook_deliveries INDEXED BY deliveries_of_run
  WHERE run_id = ? AND webhook = ? AND state = 'waiting' AND target = ? AND event <> ?
  ORDER BY event LIMIT 1`;
const MARK = `
  UPDATE webhook_deliveries SET is_first = ?, checksum = checksum + ?
  WHERE webhook = ? AND event = ? AND target = ?`;
const DELETE_OLD = `
  DELETE FROM webhook_deliveries WHERE rowid IN (
    SELECT rowid FROM webhook_deliveries WHERE state = 'dead' AND changed_at < ? ORDER BY changed_at LIMIT ?)`;

/** `is_first`: the delivery waits, but not behind an earlier one of its run and target. */
export function createWebhookDeliveries(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE webhook_deliveries (
      webhook TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
      event INTEGER NOT NULL,
      target INTEGER NOT NULL,
      run_id TEXT NOT NULL,
      task TEXT NOT NULL,
      type TEXT NOT NULL,
      state TEXT NOT NULL,
      attempts INTEGER NOT NULL,
      due_at INTEGER,
      changed_at INTEGER NOT NULL,
      report TEXT,
      body TEXT,
      terms TEXT,
      is_first INTEGER NOT NULL,
      checksum INTEGER NOT NULL,
      PRIMARY KEY (webhook, event, target)
    ) STRICT`);
  database.exec(`
    CREATE INDEX deliveries_of_state ON webhook_deliveries (webhook, state, event, target)`);
  database.exec(`
    CREATE INDEX deliveries_of_run ON webhook_deliveries (run_id, webhook, state, target, event)`);
  database.exec(`
    CREATE INDEX deliveries_by_due ON webhook_deliveries (webhook, coalesce(due_at, changed_at), event)
    WHERE is_first = 1`);
  database.exec(`
    CREATE INDEX dead_deliveries ON webhook_deliveries (changed_at) WHERE state = 'dead'`);
}

/** Adds a delivery, or replaces its row. */
export function putDelivery(statements: Statements, delivery: KeptDelivery): void {
  const { webhook, event, target, runId, state } = delivery;
  const [other] = statements.all<Pick<DeliveryRow, 'event' | 'isFirst'>>(
    FIRST_OTHER,
    runId,
    webhook,
    target,
    event,
  );
  const isFirst = state === 'waiting' && (!other || event < other.event);
  const isOtherFirst = isFirst ? 0 : 1;
  if (other && other.isFirst !== isOtherFirst)
    statements.run(MARK, isOtherFirst, isOtherFirst - other.isFirst, webhook, other.event, target);
  const values = valuesOf(delivery);
  const first = Number(isFirst);
  statements.run(PUT, ...values, first, rowChecksum(values) + first);
}

/** @throws {StoreError} `damaged` where the row isn’t as it was written */
export function writtenDelivery({ isFirst, checksum, ...delivery }: DeliveryRow): KeptDelivery {
  expectWritten(
    `a row of deliveries of the webhook ${delivery.webhook}`,
    checksum - isFirst,
    valuesOf(delivery),
  );
  return delivery;
}

/** Deletes deliveries that died before a time, at most `limit`. @returns how many were deleted */
export function deleteDead(statements: Statements, before: number, limit: number): number {
  return statements.run(DELETE_OLD, before, limit);
}

/** Deletes the deliveries of an erased run. */
export function eraseDeliveries(statements: Statements, runId: string): void {
  statements.run('DELETE FROM webhook_deliveries WHERE run_id = ?', runId);
}

function valuesOf(delivery: KeptDelivery): SQLInputValue[] {
  const { webhook, event, target, runId, task, type, state, attempts, dueAt, changedAt } = delivery;
  const { report, body, terms } = delivery;
  return [webhook, event, target, runId, task, type, state, attempts, dueAt, changedAt, report, body, terms];
}
