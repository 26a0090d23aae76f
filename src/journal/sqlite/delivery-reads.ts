import type { SQLInputValue } from 'node:sqlite';
import {
  DELIVERY_STATES,
  newestFirst,
  pairOf,
  type DeliveryCounts,
  type DeliveryPosition,
  type DeliveryQuery,
  type DeliveryState,
  type KeptDelivery,
} from '../../run/webhook-keeping.js';
import { DELIVERY } from '../webhook-columns.js';
import { writtenDelivery, type DeliveryRow } from './delivery-rows.js';
import type { Statements } from './statements.js';

const ROW = `${DELIVERY}, is_first AS isFirst, checksum`;

const DUE = `
  SELECT ${ROW} FROM webhook_deliveries
  WHERE webhook = ? AND is_first = 1 AND coalesce(due_at, changed_at) <= ?
  ORDER BY coalesce(due_at, changed_at), event LIMIT ?`;
const NEXT_DUE = `
  SELECT min(coalesce(due_at, changed_at)) AS at FROM webhook_deliveries WHERE webhook = ? AND is_first = 1`;
const WAITING_OF = `
  SELECT run_id AS runId, target FROM webhook_deliveries INDEXED BY deliveries_of_run
  WHERE run_id IN (SELECT value FROM json_each(?)) AND webhook = ? AND state = 'waiting' AND is_first = 1`;
const COUNTS = `
  SELECT id,
    (SELECT count(*) FROM webhook_deliveries WHERE webhook = id AND state = 'waiting') AS waiting,
    (SELECT count(*) FROM webhook_deliveries WHERE webhook = id AND state = 'dead') AS dead
  FROM webhooks`;

/** For these functions see the interface. @throws {StoreError} `damaged` for a row that isn’t as it was written */
export function dueDeliveries(
  statements: Statements,
  webhook: string,
  now: number,
  limit: number,
): KeptDelivery[] {
  return statements.all<DeliveryRow>(DUE, webhook, now, limit).map(writtenDelivery);
}

export function nextDueAt(statements: Statements, webhook: string): number | undefined {
  return statements.all<{ at: number | null }>(NEXT_DUE, webhook)[0]?.at ?? undefined;
}

export function waitingOf(statements: Statements, webhook: string, runIds: readonly string[]): Set<string> {
  const rows = statements.all<Pick<KeptDelivery, 'runId' | 'target'>>(
    WAITING_OF,
    JSON.stringify(runIds),
    webhook,
  );
  return new Set(rows.map(pairOf));
}

export function deliveryCounts(statements: Statements): Map<string, DeliveryCounts> {
  const rows = statements.all<DeliveryCounts & { readonly id: string }>(COUNTS);
  return new Map(rows.map(({ id, waiting, dead }) => [id, { waiting, dead }]));
}

/** A page, the newest event first. */
export function deliveryPage(
  statements: Statements,
  query: DeliveryQuery,
  limit: number,
  behind?: DeliveryPosition,
): KeptDelivery[] {
  return find<DeliveryRow>(statements, ROW, query, limit, behind).map(writtenDelivery);
}

/** The positions of the deliveries on a page. */
export function deliveryPositions(
  statements: Statements,
  query: DeliveryQuery,
  limit: number,
  behind?: DeliveryPosition,
): DeliveryPosition[] {
  return find<DeliveryPosition>(statements, 'webhook, event, target', query, limit, behind);
}

/** Makes one query for each webhook (or for a run) and each state: an index has the rows of each in the order of the page. */
function find<Row extends DeliveryPosition>(
  statements: Statements,
  columns: string,
  query: DeliveryQuery,
  limit: number,
  behind?: DeliveryPosition,
): Row[] {
  const { webhook, states = DELIVERY_STATES, runId } = query;
  const webhooks =
    webhook === undefined && runId === undefined
      ? statements.all<{ id: string }>('SELECT id FROM webhooks').map(({ id }) => id)
      : [webhook];
  const index = runId === undefined ? 'deliveries_of_state' : 'deliveries_of_run';
  const found = webhooks.flatMap((id) =>
    states.flatMap((state) => {
      const { sql, values } = conditionsOf(query, id, state, behind);
      return statements.all<Row>(
        `SELECT ${columns} FROM webhook_deliveries INDEXED BY ${index}
         WHERE ${sql} ORDER BY event DESC, webhook, target LIMIT ?`,
        ...values,
        limit,
      );
    }),
  );
  return found.sort(newestFirst).slice(0, limit);
}

function conditionsOf(
  query: DeliveryQuery,
  ofWebhook: string | undefined,
  state: DeliveryState,
  behind?: DeliveryPosition,
): { sql: string; values: SQLInputValue[] } {
  const given: [sql: string, value: SQLInputValue | undefined][] = [
    ['webhook = ?', ofWebhook],
    ['state = ?', state],
    ['run_id = ?', query.runId],
    ['event = ?', query.event],
    ['target = ?', query.target],
    ['changed_at >= ?', query.since],
    ['changed_at < ?', query.until],
  ];
  const asked = given.filter((one): one is [string, SQLInputValue] => one[1] !== undefined);
  const sql = asked.map(([condition]) => condition).join(' AND ');
  const values = asked.map(([, value]) => value);
  if (!behind) return { sql, values };
  const { event, webhook, target } = behind;
  return {
    sql: `${sql} AND event <= ? AND (event < ? OR webhook > ? OR (webhook = ? AND target > ?))`,
    values: [...values, event, event, webhook, webhook, target],
  };
}
