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

/** How many rows are in their turn at a time. */
const MOST_TAKEN = 500;
/** After this, rows are looked for again while those that are due are under way. */
const AGAIN_MS = 1_000;

interface Parts {
  readonly journal: Journal;
  readonly keeping: WebhookKeeping;
  readonly runs: KnownRuns;
  readonly clock: Clock;
}

/** Makes deliveries of one webhook: of what is read of the log, and of rows that are due. */
export class Intake {
  /** When the next row is due, in milliseconds since 1970: `Infinity` where none waits, 0 while nobody knows. */
  private dueAt = 0;
  /** Rows aren’t looked for before then, on the clock of `performance.now()`. */
  private lookAt = -Infinity;

  constructor(
    private readonly webhook: string,
    private readonly wanted: Wanted,
    private readonly parts: Parts,
    private readonly log: LogReader,
    private readonly deliveries: Deliveries,
  ) {}

  /** Rows may have become due. */
  look(): void {
    this.dueAt = 0;
    this.lookAt = -Infinity;
  }

  /** Whether so many rows are in their turn that no others are taken. */
  get isFull(): boolean {
    return this.deliveries.takenCount >= MOST_TAKEN;
  }

  /** When it is time to look for rows that are due, on the clock of `performance.now()`. */
  get takeAt(): number {
    if (this.isFull) return Infinity;
    const { clock, journal } = this.parts;
    return Math.max(this.lookAt, this.dueAt === 0 ? 0 : clock.elapsed() + this.dueAt - journal.now());
  }

  /** @throws {DomainError} `journal-unavailable` */
  async takeDue(): Promise<void> {
    const { keeping, journal, clock, runs } = this.parts;
    const now = journal.now();
    const next = (await keeping.nextDueAt(this.webhook)) ?? Infinity;
    this.dueAt = next;
    if (next > now) return;
    // Those that are due stay so until something of them is settled.
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
   * Reads on in the log.
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

  /** Runs and targets of some events that have kept deliveries: what is read now waits behind these. */
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
    // The log keeps what comes while the endpoint of a webhook of the API fails. Those of runs have other endpoints to go on with.
    const isPatient = this.wanted.terms !== undefined;
    for (const [target, terms] of addressees) {
      const about = { webhook: this.webhook, event: id, target, runId, task, type, time };
      // Read again after a crash, and a row already.
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
