import type { Clock } from '../core/clock.js';
import { eventView, type RunEvent } from '../core/events.js';
import type { WebhookTarget } from '../core/webhook.schema.js';
import type { Journal } from '../run/journal.js';
import { pairOf, type KeptDelivery, type WebhookKeeping } from '../run/webhook-keeping.js';
import type { Deliveries } from './deliveries.js';
import { Delivery, nameOf } from './delivery.js';
import type { KnownRun, KnownRuns } from './known-runs.js';
import type { LogReader } from './log-reader.js';
import type { Wanted } from './wanted.js';

/** How many deliveries from rows are taken at a time. */
const MOST_TAKEN = 500;
/** Pause before rows are searched again while those that are due are under way, in milliseconds. */
const AGAIN_MS = 1_000;

interface Parts {
  readonly journal: Journal;
  readonly keeping: WebhookKeeping;
  readonly runs: KnownRuns;
  readonly clock: Clock;
}

/** Makes the deliveries of one webhook, from events in the log and from rows that are due. */
export class Intake {
  /** When the next row is due, in milliseconds since 1970; `Infinity` when none waits, 0 when unknown. */
  private dueAt = 0;
  /** No search for rows before this time, on the clock of `performance.now()`. */
  private lookAt = -Infinity;

  constructor(
    private readonly webhook: string,
    private readonly wanted: Wanted,
    private readonly parts: Parts,
    private readonly log: LogReader,
    private readonly deliveries: Deliveries,
  ) {}

  /** To be called when rows may have become due. */
  look(): void {
    this.dueAt = 0;
    this.lookAt = -Infinity;
  }

  /** Whether as many rows are taken as may be. */
  get isFull(): boolean {
    return this.deliveries.takenCount >= MOST_TAKEN;
  }

  /** When to search for rows that are due, on the clock of `performance.now()`. */
  get takeAt(): number {
    if (this.isFull) return Infinity;
    const { clock, journal } = this.parts;
    return Math.max(this.lookAt, this.dueAt === 0 ? 0 : clock.elapsed() + this.dueAt - journal.now());
  }

  /** Takes rows that are due. @throws {DomainError} `journal-unavailable` */
  async takeDue(): Promise<void> {
    const { keeping, journal, clock, runs } = this.parts;
    const now = journal.now();
    const next = (await keeping.nextDueAt(this.webhook)) ?? Infinity;
    this.dueAt = next;
    if (next > now) return;
    // Rows that are taken stay due until they are settled.
    this.lookAt = clock.elapsed() + AGAIN_MS;
    const rows = await keeping.due(this.webhook, now, MOST_TAKEN + this.deliveries.takenCount);
    const known: KnownRun[] = [];
    for (const { runId } of rows) known.push(await runs.find(runId));
    if (this.deliveries.isStopped) return;
    for (const [index, row] of rows.entries())
      if (!this.isFull && !this.deliveries.has(nameOf(row)))
        this.deliveries.take(this.deliveryOf(row, known[index]?.traceparent));
  }

  /**
   * Reads more of the log.
   *
   * @returns false when there was nothing to read
   * @throws {DomainError} `journal-unavailable`
   */
  async readOn(limit: number): Promise<boolean> {
    const { log } = this;
    const stretch = await log.read(limit);
    const waiting = await this.waitingOf(stretch.fitting);
    if (this.deliveries.isStopped) return true;
    for (const [event, run] of stretch.fitting) this.admit(event, run, waiting);
    const isOn = stretch.upTo > log.upTo;
    log.goOn(stretch);
    return isOn;
  }

  /** The runs and targets of some events that have deliveries kept as rows. New deliveries wait behind these. */
  private async waitingOf(fitting: readonly (readonly [RunEvent, KnownRun])[]): Promise<ReadonlySet<string>> {
    const runIds = new Set(fitting.map(([{ runId }]) => runId));
    const isAsked = runIds.size > 0 && this.dueAt < Infinity;
    const kept = isAsked ? await this.parts.keeping.waitingOf(this.webhook, [...runIds]) : [];
    return new Set([...kept, ...this.deliveries.waitingPairs()]);
  }

  private admit(event: RunEvent, run: KnownRun, waiting: ReadonlySet<string>): void {
    const addressees = this.wanted.addressees(event, run);
    if (addressees.length === 0) return;
    const { id, runId, task, type, time } = event;
    const body = JSON.stringify(eventView(event));
    const now = this.parts.clock.elapsed();
    // While the endpoint of an API webhook fails, its events wait in the log. Webhooks of runs have various endpoints, so they don't wait
    // for one.
    const isPatient = this.wanted.terms !== undefined;
    for (const [target, terms] of addressees) {
      const about = { webhook: this.webhook, event: id, target, runId, task, type, time };
      // The event was read again after a crash, and has a row already.
      if (this.deliveries.has(nameOf(about))) continue;
      const delivery = new Delivery(about, body, terms, run.traceparent, now, isPatient, this.deliveries);
      this.deliveries.add(delivery, waiting.has(pairOf(about)));
    }
  }

  private deliveryOf(row: KeptDelivery, traceparent: string | undefined): Delivery {
    const { webhook, event, target, runId, task, type } = row;
    const body = row.body ?? '{}';
    const terms = this.wanted.terms ?? (JSON.parse(row.terms ?? '{}') as WebhookTarget);
    const { time } = JSON.parse(body) as { readonly time: string };
    const about = { webhook, event, target, runId, task, type, time };
    const now = this.parts.clock.elapsed();
    return new Delivery(about, body, terms, traceparent, now, false, this.deliveries).resume(row);
  }
}
