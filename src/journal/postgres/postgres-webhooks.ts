import { bulkhead } from 'cockatiel';
import { sql } from 'kysely';
import type { Observable } from 'rxjs';
import {
  MOST_DELIVERED,
  type DeliveryCounts,
  type DeliveryPosition,
  type DeliveryQuery,
  type HeldWebhook,
  type KeptDelivery,
  type KeptWebhook,
  type WebhookChange,
  type WebhookKeeping,
  type WebhookProgress,
} from '../../run/webhook-keeping.js';
import type { DamageWatch } from '../damage-watch.js';
import { DeliveredSince, WEBHOOK } from '../webhook-columns.js';
import { asking, storable } from './asking.js';
import { DeliveryReads } from './delivery-reads.js';
import type { Notice } from './postgres-listener.js';
import type { PostgresStore } from './postgres-store.js';

/** How many webhooks are settled at once: readers need connections, too. */
const SETTLED_AT_ONCE = 4;
/** How many deliveries are changed in one transaction. */
const CHANGED_AT_ONCE = 1_000;

const TELL = sql`pg_notify(current_schema(), '["webhooks", ""]')`;
const NOW = sql`(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;

/**
 * Keeps webhooks in the database that nodes share. The row of a webhook names the node that holds it. A node without a row in `nodes`
 * holds none.
 */
export class PostgresWebhooks implements WebhookKeeping {
  private readonly reads: DeliveryReads;
  private readonly settling = bulkhead(SETTLED_AT_ONCE, Infinity);
  private readonly delivered = new DeliveredSince();

  constructor(
    private readonly store: PostgresStore,
    private readonly node: { readonly id: string },
    private readonly notices: Observable<Notice | undefined>,
    private readonly damage: DamageWatch,
  ) {
    this.reads = new DeliveryReads(store.db);
  }

  list(): Promise<KeptWebhook[]> {
    return this.ask(async (db) => {
      const { rows } = await sql<KeptWebhook>`
        SELECT ${sql.raw(WEBHOOK)} FROM webhooks ORDER BY created_at DESC, id DESC`.execute(db);
      return rows;
    });
  }

  get(id: string): Promise<KeptWebhook | undefined> {
    return this.ask(async (db) => {
      const { rows } = await sql<KeptWebhook>`
        SELECT ${sql.raw(WEBHOOK)} FROM webhooks WHERE id = ${storable(id)}`.execute(db);
      return rows[0];
    });
  }

  add(added: KeptWebhook): Promise<boolean> {
    const { id, terms, client, createdAt, revision, paused, pausedAt, cursor, cursorAt } = added;
    return this.ask(async (db) => {
      const { rows } = await sql`
        WITH added AS (
          INSERT INTO webhooks (id, terms, client, created_at, revision, paused, paused_at, cursor, cursor_at)
          VALUES (${id}, ${terms}, ${client}, ${createdAt}, ${revision}, ${paused}, ${pausedAt}, ${cursor}, ${cursorAt})
          ON CONFLICT DO NOTHING RETURNING id)
        SELECT ${TELL} FROM added`.execute(db);
      return rows.length > 0;
    });
  }

  change(id: string, revision: number, { terms, paused }: WebhookChange): Promise<boolean> {
    return this.ask(async (db) => {
      const { rows } = await sql`
        WITH changed AS (
          UPDATE webhooks SET terms = ${terms}, paused = ${paused}, revision = revision + 1, paused_at = CASE
            WHEN ${paused}::text IS NULL THEN NULL
            WHEN paused = ${paused} THEN paused_at
            ELSE ${NOW} END
          WHERE id = ${storable(id)} AND revision = ${revision} RETURNING id)
        SELECT ${TELL} FROM changed`.execute(db);
      return rows.length > 0;
    });
  }

  async remove(id: string): Promise<boolean> {
    const removeSome = () =>
      this.ask(async (db) => {
        const { numAffectedRows } = await sql`
          DELETE FROM webhook_deliveries WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM webhook_deliveries WHERE webhook = ${storable(id)}
            LIMIT ${CHANGED_AT_ONCE} FOR UPDATE SKIP LOCKED))`.execute(db);
        return Number(numAffectedRows);
      });
    while ((await removeSome()) === CHANGED_AT_ONCE);
    return this.ask(async (db) => {
      const { rows } = await sql`
        WITH gone AS (DELETE FROM webhooks WHERE id = ${storable(id)} RETURNING id)
        SELECT ${TELL} FROM gone`.execute(db);
      return rows.length > 0;
    });
  }

  hold(): Promise<HeldWebhook[]> {
    const { id: node } = this.node;
    return this.ask(async (db) => {
      const { rows } = await sql<KeptWebhook & { readonly surplus: boolean }>`
        WITH joined AS (UPDATE nodes SET delivers = true WHERE id = ${node} AND NOT delivers),
        share AS (
          SELECT ceil((SELECT count(*) FROM webhooks)::numeric / count(*))::integer AS share
          FROM nodes WHERE delivers OR id = ${node}
          HAVING bool_or(id = ${node})),
        taken AS (
          UPDATE webhooks SET node = ${node} WHERE id = ANY (ARRAY(
            SELECT id FROM webhooks AS free
            WHERE node IS NULL OR NOT EXISTS (SELECT FROM nodes WHERE nodes.id = free.node)
            ORDER BY id
            LIMIT coalesce((
              SELECT greatest(share - (SELECT count(*) FROM webhooks WHERE node = ${node}), 0) FROM share), 0)
            FOR UPDATE SKIP LOCKED))
          RETURNING webhooks.*)
        SELECT ${sql.raw(WEBHOOK)}, row_number() OVER (ORDER BY id) > share AS surplus
        FROM share, (SELECT * FROM webhooks WHERE node = ${node} UNION ALL SELECT * FROM taken) AS held
        ORDER BY created_at DESC, id DESC`.execute(db);
      return rows.map(({ surplus, ...webhook }) => (surplus ? { ...webhook, surplus } : webhook));
    });
  }

  async release(id?: string): Promise<void> {
    const { id: node } = this.node;
    const which = id === undefined ? sql`` : sql`AND id = ${id}`;
    const leaves = id === undefined;
    await this.ask((db) =>
      sql`
        WITH released AS (UPDATE webhooks SET node = NULL WHERE node = ${node} ${which} RETURNING id),
        left_others AS (UPDATE nodes SET delivers = false WHERE id = ${node} AND delivers AND ${leaves})
        SELECT ${TELL} FROM released LIMIT 1`.execute(db),
    );
  }

  settle(id: string, { cursor, cursorAt, deliveries, pause }: WebhookProgress): Promise<boolean> {
    const of = <Key extends keyof KeptDelivery>(key: Key) => deliveries.map((delivery) => delivery[key]);
    const added = deliveries.filter(({ state }) => state === 'delivered').length;
    const most = this.delivered.areDue(id, added) ? MOST_DELIVERED : null;
    const settle = () =>
      this.ask(async (db) => {
        const { rows } = await sql<{ recorded: boolean }>`
          SELECT settle_webhook_1(
            ${this.node.id}, ${id}, ${cursor}, ${cursorAt}, ${pause ?? null}, ${most},
            ${of('event')}, ${of('target')}, ${of('runId')}, ${of('task')}, ${of('type')}, ${of('state')}, ${of('attempts')},
            ${of('dueAt')}, ${of('changedAt')}, ${of('report')}, ${of('body')}, ${of('terms')}) AS recorded`.execute(
          db,
        );
        return rows[0]?.recorded === true;
      });
    return this.settling.execute(settle);
  }

  due(id: string, now: number, limit: number): Promise<KeptDelivery[]> {
    return this.ask(() => this.reads.due(id, now, limit));
  }

  nextDueAt(id: string): Promise<number | undefined> {
    return this.ask(() => this.reads.nextDueAt(id));
  }

  waitingOf(id: string, runIds: readonly string[]): Promise<ReadonlySet<string>> {
    return this.ask(() => this.reads.waitingOf(id, runIds));
  }

  counts(): Promise<ReadonlyMap<string, DeliveryCounts>> {
    return this.ask(() => this.reads.counts());
  }

  deliveries(query: DeliveryQuery, limit: number, behind?: DeliveryPosition): Promise<KeptDelivery[]> {
    return this.ask(() => this.reads.page(query, limit, behind));
  }

  async redrive(query: DeliveryQuery, dueAt: number): Promise<number> {
    const redriven = await this.changeDead(query, dueAt);
    if (redriven > 0) await this.ask((db) => sql`SELECT ${TELL}`.execute(db));
    return redriven;
  }

  discard(query: DeliveryQuery): Promise<number> {
    return this.changeDead(query, null);
  }

  onChange(listener: () => void): void {
    this.notices.subscribe((notice) => {
      // A missed notice may have been about webhooks. The webhooks of a node that left are free for others.
      if (!notice || notice[0] === 'webhooks' || notice[0] === 'left') listener();
    });
  }

  /** @param dueAt when the deliveries are due again; null to delete them */
  private async changeDead(query: DeliveryQuery, dueAt: number | null): Promise<number> {
    let total = 0;
    let behind: DeliveryPosition | undefined;
    do {
      const dead = { ...query, states: ['dead'] as const };
      const found = await this.ask(() => this.reads.positions(dead, CHANGED_AT_ONCE, behind));
      const of = <Key extends keyof DeliveryPosition>(key: Key) => found.map((one) => one[key]);
      const { rows } = await this.ask((db) =>
        sql<{ changed: number }>`
          SELECT change_dead_deliveries_1(${of('webhook')}, ${of('event')}, ${of('target')}, ${dueAt}) AS changed`.execute(
          db,
        ),
      );
      total += rows[0]?.changed ?? 0;
      behind = found[CHANGED_AT_ONCE - 1];
    } while (behind);
    return total;
  }

  private ask<T>(what: (db: PostgresStore['db']) => Promise<T>): Promise<T> {
    return asking(() => what(this.store.db), this.damage);
  }
}
