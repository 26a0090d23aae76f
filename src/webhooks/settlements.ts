import type { Clock } from '../core/clock.js';
import type { WebhookEvent } from '../core/webhook-event.js';
import type { WebhookTerms } from '../core/webhook.schema.js';
import { shownUrl } from '../core/webhook-view.js';
import type { HeldWebhook, WebhookKeeping } from '../run/webhook-keeping.js';
import type { Deliveries } from './deliveries.js';
import type { LogReader } from './log-reader.js';

/** Pauses between two settlements, in milliseconds: with changed rows, with deliveries only, and where only the cursor has moved. */
const SETTLE_ROWS_MS = 50;
const SETTLE_MS = 250;
const SETTLE_CURSOR_MS = 10_000;
/** After this many deliveries, it settles at once. */
const MOST_UNSETTLED = 500;

interface Parts {
  readonly keeping: WebhookKeeping;
  readonly clock: Clock;
  /** In milliseconds since 1970. */
  readonly now: () => number;
  readonly tell: (event: WebhookEvent) => void;
}

/** Records the progress of one webhook: its cursor in the log, and its deliveries. */
export class Settlements {
  private readonly id: string;
  private settledCursor: number;
  private settledAt = -Infinity;

  /** @param terms undefined where each run has its own terms */
  constructor(
    { id, cursor }: HeldWebhook,
    private readonly terms: WebhookTerms | undefined,
    private readonly parts: Parts,
    private readonly log: LogReader,
    private readonly deliveries: Deliveries,
  ) {
    this.id = id;
    this.settledCursor = cursor;
  }

  /** When to settle, on the clock of `performance.now()`; `Infinity` when there is nothing to settle. */
  get dueAt(): number {
    const { unsettled } = this.deliveries;
    if (unsettled.delivered >= MOST_UNSETTLED) return this.settledAt;
    if (unsettled.hasRows) return this.settledAt + SETTLE_ROWS_MS;
    if (unsettled.delivered > 0) return this.settledAt + SETTLE_MS;
    return this.cursor > this.settledCursor ? this.settledAt + SETTLE_CURSOR_MS : Infinity;
  }

  /**
   * @returns false when this node no longer holds the webhook: nothing was recorded
   * @throws {DomainError} `journal-unavailable`
   */
  async settle(): Promise<boolean> {
    const { unsettled, first } = this.deliveries;
    const { cursor } = this;
    const deliveries = unsettled.take(this.parts.now());
    const { pause } = unsettled;
    const cursorAt = first ? Math.min(Date.parse(first.about.time), this.log.at) : this.log.at;
    const progress = { cursor, cursorAt, deliveries, ...(pause && { pause }) };
    if (!(await this.parts.keeping.settle(this.id, progress))) return false;
    this.settledAt = this.parts.clock.elapsed();
    this.settledCursor = cursor;
    unsettled.settled(deliveries);
    if (pause && this.terms)
      this.parts.tell({
        kind: 'webhook.paused',
        webhook: this.id,
        url: shownUrl(this.terms),
        reason: pause,
      });
    return true;
  }

  /** Every event up to this one is delivered, given up, kept as a row, or not for this webhook. */
  private get cursor(): number {
    const { first } = this.deliveries;
    return first ? first.about.event - 1 : this.log.upTo;
  }
}
