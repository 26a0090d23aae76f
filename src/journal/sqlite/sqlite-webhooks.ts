import type {
  DeliveryCounts,
  DeliveryPosition,
  DeliveryQuery,
  HeldWebhook,
  KeptDelivery,
  KeptWebhook,
  WebhookChange,
  WebhookKeeping,
  WebhookProgress,
} from '../../run/webhook-keeping.js';
import { DeliveredSince } from '../webhook-columns.js';
import type { JournalThreads } from './journal-threads.js';
import type { ChangedSome, Settled, Settling } from './webhook-progress.js';

/** How many webhooks one transaction settles, and how many deliveries one changes. Commits of runs come between transactions. */
const SETTLED_AT_ONCE = 8;
const CHANGED_AT_ONCE = 200;

interface Waiting {
  readonly settling: Settling;
  readonly answer: PromiseWithResolvers<boolean>;
}

/** Keeps webhooks in the SQLite database, which only this process uses. */
export class SqliteWebhooks implements WebhookKeeping {
  private readonly held = new Set<string>();
  private readonly listeners: (() => void)[] = [];
  private readonly delivered = new DeliveredSince();
  private readonly waiting: Waiting[] = [];
  private isSettling = false;

  constructor(private readonly threads: JournalThreads) {}

  list(): Promise<KeptWebhook[]> {
    return this.threads.read((reader) => reader.read('webhooks'));
  }

  get(id: string): Promise<KeptWebhook | undefined> {
    return this.threads.read((reader) => reader.read('webhook', id));
  }

  async add(webhook: KeptWebhook): Promise<boolean> {
    return this.told(await this.threads.write((writer) => writer.write('addWebhook', webhook)));
  }

  async change(id: string, revision: number, changed: WebhookChange): Promise<boolean> {
    const now = Date.now();
    return this.told(
      await this.threads.write((writer) => writer.write('changeWebhook', id, revision, changed, now)),
    );
  }

  async remove(id: string): Promise<boolean> {
    for (;;) {
      const removed = await this.threads.write((writer) =>
        writer.write('removeWebhook', id, CHANGED_AT_ONCE),
      );
      if (removed !== undefined) return this.told(removed);
    }
  }

  async hold(): Promise<HeldWebhook[]> {
    const all = await this.list();
    for (const { id } of all) this.held.add(id);
    return all;
  }

  release(id?: string): Promise<void> {
    if (id === undefined) this.held.clear();
    else this.held.delete(id);
    return Promise.resolve();
  }

  settle(id: string, progress: WebhookProgress): Promise<boolean> {
    if (!this.held.has(id)) return Promise.resolve(false);
    const added = progress.deliveries.filter(({ state }) => state === 'delivered').length;
    const prunes = this.delivered.areDue(id, added);
    const answer = Promise.withResolvers<boolean>();
    this.waiting.push({ settling: { id, progress, now: Date.now(), prunes }, answer });
    if (!this.isSettling) void this.settleAll();
    return answer.promise;
  }

  due(id: string, now: number, limit: number): Promise<KeptDelivery[]> {
    return this.threads.read((reader) => reader.read('dueDeliveries', id, now, limit));
  }

  nextDueAt(id: string): Promise<number | undefined> {
    return this.threads.read((reader) => reader.read('nextDueAt', id));
  }

  waitingOf(id: string, runIds: readonly string[]): Promise<ReadonlySet<string>> {
    return this.threads.read((reader) => reader.read('waitingOf', id, runIds));
  }

  counts(): Promise<ReadonlyMap<string, DeliveryCounts>> {
    return this.threads.read((reader) => reader.read('deliveryCounts'));
  }

  deliveries(query: DeliveryQuery, limit: number, behind?: DeliveryPosition): Promise<KeptDelivery[]> {
    return this.threads.read((reader) => reader.read('deliveryPage', query, limit, behind));
  }

  async redrive(query: DeliveryQuery, dueAt: number): Promise<number> {
    const redriven = await this.changeAll((behind) =>
      this.threads.write((writer) => writer.write('redriveSome', query, dueAt, CHANGED_AT_ONCE, behind)),
    );
    this.told(redriven > 0);
    return redriven;
  }

  discard(query: DeliveryQuery): Promise<number> {
    return this.changeAll((behind) =>
      this.threads.write((writer) => writer.write('discardSome', query, CHANGED_AT_ONCE, behind)),
    );
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  private async changeAll(changeSome: (behind?: DeliveryPosition) => Promise<ChangedSome>): Promise<number> {
    let total = 0;
    let behind: DeliveryPosition | undefined;
    do {
      const { changed, last } = await changeSome(behind);
      total += changed;
      behind = last;
    } while (behind);
    return total;
  }

  /** Settlements that arrive during a transaction share the next one. */
  private async settleAll(): Promise<void> {
    this.isSettling = true;
    while (this.waiting.length > 0) {
      const some = this.waiting.splice(0, SETTLED_AT_ONCE);
      try {
        const settlings = some.map(({ settling }) => settling);
        const settled: readonly Settled[] = await this.threads.write((writer) =>
          writer.write('settleWebhooks', settlings),
        );
        this.told(settled.some(({ paused }) => paused));
        for (const [at, { answer }] of some.entries()) answer.resolve(settled[at]?.recorded === true);
      } catch (error) {
        for (const { answer } of some) answer.reject(error);
      }
    }
    this.isSettling = false;
  }

  private told(isSo: boolean): boolean {
    if (isSo) for (const listener of this.listeners) listener();
    return isSo;
  }
}
