import {
  isAsked,
  MOST_DELIVERED,
  newestFirst,
  pairOf,
  type DeliveryCounts,
  type DeliveryPosition,
  type DeliveryQuery,
  type HeldWebhook,
  type KeptDelivery,
  type KeptWebhook,
  type WebhookChange,
  type WebhookKeeping,
  type WebhookProgress,
} from './webhook-keeping.js';

/** How many undelivered deliveries of a webhook are kept in memory, and how many characters of bodies. Beyond that the oldest are dropped. */
const MOST_KEPT = 10_000;
const MOST_CHARACTERS = 8 * 2 ** 20;

interface Own {
  webhook: KeptWebhook;
  held: boolean;
  /** By event and target, in the order in which they were kept. */
  readonly deliveries: Map<string, KeptDelivery>;
}

/** Of a process that shares its journal with nobody and has no disk. */
export class OwnWebhooks implements WebhookKeeping {
  private readonly own = new Map<string, Own>();
  private readonly listeners: (() => void)[] = [];

  private readonly now: () => number;
  private readonly isErased: (runId: string) => boolean;

  constructor(now: () => number, isErased: (runId: string) => boolean = () => false) {
    this.now = now;
    this.isErased = isErased;
  }

  list(): Promise<KeptWebhook[]> {
    const all = [...this.own.values()].map(({ webhook }) => webhook);
    return Promise.resolve(all.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1)));
  }

  get(id: string): Promise<KeptWebhook | undefined> {
    return Promise.resolve(this.own.get(id)?.webhook);
  }

  add(webhook: KeptWebhook): Promise<boolean> {
    if (this.own.has(webhook.id)) return Promise.resolve(false);
    this.own.set(webhook.id, { webhook, held: false, deliveries: new Map() });
    return this.changed(true);
  }

  change(id: string, revision: number, changed: WebhookChange): Promise<boolean> {
    const own = this.own.get(id);
    if (own?.webhook.revision !== revision) return Promise.resolve(false);
    this.put(own, changed);
    return this.changed(true);
  }

  remove(id: string): Promise<boolean> {
    return this.changed(this.own.delete(id));
  }

  hold(): Promise<HeldWebhook[]> {
    for (const own of this.own.values()) own.held = true;
    return this.list();
  }

  release(id?: string): Promise<void> {
    for (const own of this.own.values()) if (id === undefined || own.webhook.id === id) own.held = false;
    return Promise.resolve();
  }

  settle(id: string, { cursor, cursorAt, deliveries, pause }: WebhookProgress): Promise<boolean> {
    const own = this.own.get(id);
    if (!own?.held) return Promise.resolve(false);
    // Databases refuse fractions, too.
    const numbers = deliveries.flatMap(({ dueAt, changedAt }) => [dueAt ?? 0, changedAt]);
    if (![cursor, cursorAt, ...numbers].every(Number.isSafeInteger))
      return Promise.reject(new TypeError('Times and cursors of webhooks are whole numbers'));
    own.webhook = { ...own.webhook, cursor, cursorAt };
    for (const delivery of deliveries)
      if (!this.isErased(delivery.runId)) own.deliveries.set(nameOf(delivery), delivery);
    makeRoom(own.deliveries);
    if (pause === undefined || own.webhook.paused !== null) return Promise.resolve(true);
    this.put(own, { terms: own.webhook.terms, paused: pause });
    return this.changed(true);
  }

  due(id: string, now: number, limit: number): Promise<KeptDelivery[]> {
    const due = this.heads(id).filter((delivery) => dueAtOf(delivery) <= now);
    return Promise.resolve(due.sort((a, b) => dueAtOf(a) - dueAtOf(b) || a.event - b.event).slice(0, limit));
  }

  nextDueAt(id: string): Promise<number | undefined> {
    const heads = this.heads(id);
    const first = heads.reduce((least, delivery) => Math.min(least, dueAtOf(delivery)), Infinity);
    return Promise.resolve(heads.length > 0 ? first : undefined);
  }

  waitingOf(id: string, runIds: readonly string[]): Promise<ReadonlySet<string>> {
    const asked = this.find({ webhook: id, states: ['waiting'] });
    const waiting = asked.filter(({ runId }) => runIds.includes(runId));
    return Promise.resolve(new Set(waiting.map(pairOf)));
  }

  counts(): Promise<ReadonlyMap<string, DeliveryCounts>> {
    const count = (webhook: string, state: 'waiting' | 'dead') =>
      this.find({ webhook, states: [state] }).length;
    return Promise.resolve(
      new Map(
        [...this.own.keys()].map((id) => [id, { waiting: count(id, 'waiting'), dead: count(id, 'dead') }]),
      ),
    );
  }

  deliveries(query: DeliveryQuery, limit: number, behind?: DeliveryPosition): Promise<KeptDelivery[]> {
    const found = this.find(query).filter((delivery) => !behind || newestFirst(behind, delivery) < 0);
    return Promise.resolve(found.sort(newestFirst).slice(0, limit));
  }

  async redrive(query: DeliveryQuery, dueAt: number): Promise<number> {
    const dead = this.find({ ...query, states: ['dead'] });
    for (const delivery of dead)
      this.own
        .get(delivery.webhook)
        ?.deliveries.set(nameOf(delivery), { ...delivery, state: 'waiting', attempts: 0, dueAt });
    await this.changed(dead.length > 0);
    return dead.length;
  }

  discard(query: DeliveryQuery): Promise<number> {
    return Promise.resolve(this.delete({ ...query, states: ['dead'] }));
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Deletes the deliveries of a run that is erased. */
  erase(runId: string): void {
    this.delete({ runId });
  }

  private put(own: Own, { terms, paused }: WebhookChange): void {
    const { webhook } = own;
    const since = paused === webhook.paused ? webhook.pausedAt : this.now();
    const pausedAt = paused === null ? null : since;
    own.webhook = { ...webhook, terms, paused, pausedAt, revision: webhook.revision + 1 };
  }

  private delete(query: DeliveryQuery): number {
    const found = this.find(query);
    for (const delivery of found) this.own.get(delivery.webhook)?.deliveries.delete(nameOf(delivery));
    return found.length;
  }

  private find(query: DeliveryQuery): KeptDelivery[] {
    const { webhook } = query;
    const asked = webhook === undefined ? [...this.own.values()] : [this.own.get(webhook)];
    return asked.flatMap((own) => [...(own?.deliveries.values() ?? [])].filter((one) => isAsked(one, query)));
  }

  /** The first waiting delivery of each run and target. */
  private heads(id: string): KeptDelivery[] {
    const heads = new Map<string, KeptDelivery>();
    for (const delivery of this.find({ webhook: id, states: ['waiting'] })) {
      const first = heads.get(pairOf(delivery));
      if (!first || delivery.event < first.event) heads.set(pairOf(delivery), delivery);
    }
    return [...heads.values()];
  }

  private changed(isSo: boolean): Promise<boolean> {
    if (isSo) for (const listener of this.listeners) listener();
    return Promise.resolve(isSo);
  }
}

function makeRoom(deliveries: Map<string, KeptDelivery>): void {
  const delivered = [...deliveries.values()].filter(({ state }) => state === 'delivered').sort(newestFirst);
  for (const delivery of delivered.slice(MOST_DELIVERED)) deliveries.delete(nameOf(delivery));
  const others = [...deliveries.values()].filter(({ state }) => state !== 'delivered').sort(newestFirst);
  let characters = 0;
  for (const [index, delivery] of others.entries()) {
    characters += delivery.body?.length ?? 0;
    if (index >= MOST_KEPT || characters > MOST_CHARACTERS) deliveries.delete(nameOf(delivery));
  }
}

function nameOf({ event, target }: KeptDelivery): string {
  return `${event} ${target}`;
}

/** A delivery that waits for no other, nor for a time, is due since it was kept. */
function dueAtOf({ dueAt, changedAt }: KeptDelivery): number {
  return dueAt ?? changedAt;
}
