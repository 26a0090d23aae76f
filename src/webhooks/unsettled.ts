import { pairOf, type KeptDelivery, type WebhookPause } from '../run/webhook-keeping.js';
import { nameOf, type Delivery } from './delivery.js';

/** How many deliveries that succeeded at once are recorded with each settlement, to be shown in the API. */
const MOST_SHOWN = 20;

/** Changes of deliveries that the next settlement records. */
export class Unsettled {
  /** Rows that must be written, by name. */
  private readonly rows = new Map<string, KeptDelivery>();
  /** The newest deliveries that succeeded at once. If a settlement fails, they are not shown. */
  private shown: Delivery[] = [];
  /** How many deliveries succeeded since the last settlement. */
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

  /** The runs and targets of rows that wait. */
  waitingPairs(): string[] {
    return [...this.rows.values()].flatMap((row) => (row.state === 'waiting' ? [pairOf(row)] : []));
  }

  /** To be called when a run was erased. */
  forget(runId: string): void {
    for (const [name, row] of this.rows) if (row.runId === runId) this.rows.delete(name);
    this.shown = this.shown.filter(({ about }) => about.runId !== runId);
  }

  /** The rows to write now. */
  take(now: number): KeptDelivery[] {
    this.deliveredBefore = this.delivered;
    const { shown } = this;
    this.shown = [];
    return [...shown.map((delivery) => delivery.row('delivered', now)), ...this.rows.values()];
  }

  /** To be called when rows were recorded. A row that has changed since stays to be recorded. */
  settled(recorded: readonly KeptDelivery[]): void {
    for (const row of recorded) if (this.rows.get(nameOf(row)) === row) this.rows.delete(nameOf(row));
    this.delivered -= this.deliveredBefore;
  }
}
