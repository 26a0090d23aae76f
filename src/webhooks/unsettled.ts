import { pairOf, type KeptDelivery, type WebhookPause } from '../run/webhook-keeping.js';
import { nameOf, type Delivery } from './delivery.js';

/** How many of those that were delivered at once are recorded with each settlement, to be shown. */
const MOST_SHOWN = 20;

/** What is to be recorded of deliveries with the next settlement. */
export class Unsettled {
  /** Rows that must be written, by name. */
  private readonly rows = new Map<string, KeptDelivery>();
  /** The newest of those that were delivered at once: where a settlement fails, they aren’t shown. */
  private shown: Delivery[] = [];
  /** How many were delivered. */
  delivered = 0;
  private deliveredBefore = 0;
  /** Why the webhook is to be paused. */
  pause: WebhookPause | undefined;

  get hasRows(): boolean {
    return this.rows.size > 0;
  }

  has(name: string): boolean {
    return this.rows.has(name);
  }

  keep(row: KeptDelivery): void {
    this.rows.set(nameOf(row), row);
  }

  show(delivery: Delivery): void {
    this.shown.push(delivery);
    if (this.shown.length > MOST_SHOWN) this.shown.shift();
  }

  /** Of rows that wait, their runs and targets. */
  waitingPairs(): string[] {
    return [...this.rows.values()].flatMap((row) => (row.state === 'waiting' ? [pairOf(row)] : []));
  }

  /** A run was erased. */
  forget(runId: string): void {
    for (const [name, row] of this.rows) if (row.runId === runId) this.rows.delete(name);
    this.shown = this.shown.filter(({ about }) => about.runId !== runId);
  }

  /** What is to be written now. */
  take(now: number): KeptDelivery[] {
    this.deliveredBefore = this.delivered;
    const { shown } = this;
    this.shown = [];
    return [...shown.map((delivery) => delivery.row('delivered', now)), ...this.rows.values()];
  }

  /** It is recorded. What has changed since is to be recorded again. */
  settled(recorded: readonly KeptDelivery[]): void {
    for (const row of recorded) if (this.rows.get(nameOf(row)) === row) this.rows.delete(nameOf(row));
    this.delivered -= this.deliveredBefore;
  }
}
