import { sql, type Kysely, type RawBuilder } from 'kysely';
import {
  DELIVERY_STATES,
  pairOf,
  type DeliveryCounts,
  type DeliveryPosition,
  type DeliveryQuery,
  type KeptDelivery,
} from '../../run/webhook-keeping.js';
import { DELIVERY } from '../webhook-columns.js';
import { storable } from './asking.js';
import type { Schema } from './postgres-schema.js';

/** Reads deliveries: for each method see the interface. */
export class DeliveryReads {
  constructor(private readonly db: Kysely<Schema>) {}

  async due(webhook: string, now: number, limit: number): Promise<KeptDelivery[]> {
    const { rows } = await sql<KeptDelivery>`
      SELECT ${sql.raw(DELIVERY)} FROM webhook_deliveries
      WHERE webhook = ${webhook} AND is_first AND coalesce(due_at, changed_at) <= ${now}
      ORDER BY coalesce(due_at, changed_at), event LIMIT ${limit}`.execute(this.db);
    return rows;
  }

  async nextDueAt(webhook: string): Promise<number | undefined> {
    const { rows } = await sql<{ at: number | null }>`
      SELECT min(coalesce(due_at, changed_at)) AS at FROM webhook_deliveries
      WHERE webhook = ${webhook} AND is_first`.execute(this.db);
    return rows[0]?.at ?? undefined;
  }

  async waitingOf(webhook: string, runIds: readonly string[]): Promise<Set<string>> {
    const { rows } = await sql<Pick<KeptDelivery, 'runId' | 'target'>>`
      SELECT run_id AS "runId", target FROM webhook_deliveries
      WHERE run_id = ANY (${[...runIds]}::text[]) AND webhook = ${webhook} AND state = 'waiting' AND is_first`.execute(
      this.db,
    );
    return new Set(rows.map(pairOf));
  }

  async counts(): Promise<Map<string, DeliveryCounts>> {
    const countOf = (state: string) => sql<number>`(
      SELECT count(*) FROM webhook_deliveries WHERE webhook = webhooks.id AND state = ${sql.lit(state)})`;
    const { rows } = await sql<DeliveryCounts & { readonly id: string }>`
      SELECT id, ${countOf('waiting')} AS waiting, ${countOf('dead')} AS dead FROM webhooks`.execute(this.db);
    return new Map(rows.map(({ id, waiting, dead }) => [id, { waiting, dead }]));
  }

  page(query: DeliveryQuery, limit: number, behind?: DeliveryPosition): Promise<KeptDelivery[]> {
    return this.find(sql.raw<KeptDelivery>(DELIVERY), query, limit, behind);
  }

  /** The positions of the deliveries on a page. */
  positions(query: DeliveryQuery, limit: number, behind?: DeliveryPosition): Promise<DeliveryPosition[]> {
    return this.find(sql.raw<DeliveryPosition>('webhook, event, target'), query, limit, behind);
  }

  /** Makes one query for each webhook and state: an index has the rows of each in the order of the page. */
  private async find<Row>(
    columns: RawBuilder<Row>,
    query: DeliveryQuery,
    limit: number,
    behind?: DeliveryPosition,
  ): Promise<Row[]> {
    const { webhook, states = DELIVERY_STATES } = query;
    const webhooks =
      webhook === undefined ? sql`SELECT id FROM webhooks` : sql`SELECT ${storable(webhook)}::text AS id`;
    const { rows } = await sql<Row>`
      SELECT ${columns}
      FROM (${webhooks}) AS asked, unnest(${[...states]}::text[]) AS wanted (of_state), LATERAL (
        SELECT * FROM webhook_deliveries
        WHERE webhook = asked.id AND state = of_state ${conditionsOf(query, behind)}
        ORDER BY event DESC, target LIMIT ${limit}) AS found
      ORDER BY event DESC, webhook, target LIMIT ${limit}`.execute(this.db);
    return rows;
  }
}

function conditionsOf(query: DeliveryQuery, behind?: DeliveryPosition): RawBuilder<unknown> {
  const { runId, event, target, since, until } = query;
  const conditions = [
    runId === undefined ? sql`` : sql`AND run_id = ${storable(runId)}`,
    event === undefined ? sql`` : sql`AND event = ${event}`,
    target === undefined ? sql`` : sql`AND target = ${target}`,
    since === undefined ? sql`` : sql`AND changed_at >= ${since}`,
    until === undefined ? sql`` : sql`AND changed_at < ${until}`,
    // The index begins with the event, so this condition can use it.
    behind
      ? sql`AND event <= ${behind.event} AND (
          event < ${behind.event} OR (webhook, target) > (${behind.webhook}, ${behind.target}::integer))`
      : sql``,
  ];
  return sql.join(conditions, sql` `);
}
