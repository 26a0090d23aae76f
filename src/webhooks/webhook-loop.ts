import { setMaxListeners } from 'node:events';
import type { Logger } from '@nestjs/common';
import type { Clock } from '../core/clock.js';
import { textOf } from '../core/thrown.js';
import type { WebhookEvent } from '../core/webhook-event.js';
import { shownUrl } from '../core/webhook-view.js';
import type { Journal } from '../run/journal.js';
import type { HeldWebhook, WebhookKeeping } from '../run/webhook-keeping.js';
import { Deliveries, type DeliveryParts } from './deliveries.js';
import { Intake } from './intake.js';
import type { Endpoint } from './endpoint.js';
import type { KnownRuns } from './known-runs.js';
import type { LogHead } from './log-head.js';
import type { LoopTurns } from './loop-turns.js';
import { LogReader } from './log-reader.js';
import { Verdicts } from './verdicts.js';
import { wantedBy, type Wanted } from './wanted.js';

/** How many events may be open between the settled cursor and what was read, and how many characters their bodies have. */
const MOST_OPEN = 1_000;
const MOST_CHARACTERS = 8 * 2 ** 20;
/** How many events are read at a time, once there is room for so many. */
const PAGE_EVENTS = MOST_OPEN / 2;

/** Between two settlements: of rows, of deliveries, and where only the cursor has moved. */
const SETTLE_ROWS_MS = 50;
const SETTLE_MS = 250;
const SETTLE_CURSOR_MS = 10_000;
/** After so many deliveries it settles at once. */
const MOST_UNSETTLED = 500;

/** What has taken so long is kept as a row where it holds up others; it is due again within `AGAIN_MS`. */
const STUCK_MS = 1_000;
const AGAIN_MS = 10_000;

const RETRY_MS = 1_000;
const MOST_RETRY_MS = 10_000;
const LONGEST_REST_MS = 60_000;

export interface LoopParts extends DeliveryParts {
  readonly journal: Journal;
  readonly keeping: WebhookKeeping;
  readonly head: LogHead;
  readonly runs: KnownRuns;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tell: (event: WebhookEvent) => void;
  /** Of all loops. */
  readonly turns: LoopTurns;
}

/**
 * Delivers one webhook: reads the log behind its cursor, takes rows that are due, and settles what was done. No two of these happen at a time, so
 * that what it knows of rows is always true. Attempts go on meanwhile.
 */
export class WebhookLoop {
  readonly revision: number;
  private readonly id: string;
  private readonly wanted: Wanted;
  private readonly log: LogReader;
  private readonly deliveries: Deliveries;
  private readonly intake: Intake;
  private readonly cut = new AbortController();
  private settledCursor: number;
  /** On the clock of `performance.now()`, as `spiltAt` is. */
  private settledAt = -Infinity;
  private spiltAt = -Infinity;
  private isStopping = false;
  private isEnded = false;
  private isWoken = false;
  private isBackingOff = false;
  private resume: (() => void) | undefined;
  private grace: NodeJS.Timeout | undefined;

  /** @param lastDeliveredAt see {@link Verdicts} */
  constructor(
    webhook: HeldWebhook,
    private readonly parts: LoopParts,
    lastDeliveredAt: number,
  ) {
    this.id = webhook.id;
    this.revision = webhook.revision;
    this.wanted = wantedBy(webhook);
    this.settledCursor = webhook.cursor;
    this.log = new LogReader(parts, this.wanted, webhook.cursor, webhook.cursorAt, this.onMore);
    const verdicts = new Verdicts(this.id, parts.tell, lastDeliveredAt);
    setMaxListeners(0, this.cut.signal);
    this.deliveries = new Deliveries(parts, verdicts, this.cut.signal, this.wake);
    this.intake = new Intake(this.id, this.wanted, parts, this.log, this.deliveries);
  }

  /** Delivers until it is stopped or ended. It never rejects. */
  async run(): Promise<void> {
    this.log.begin();
    for (let failures = 0; !this.isEnded;) {
      try {
        await this.parts.turns.next();
        if (!(await this.step())) await this.rest(this.restMs);
        failures = 0;
      } catch (error) {
        failures += 1;
        await this.backOff(failures, error);
      }
    }
    this.log.end();
    this.parts.clock.clearTimeout(this.grace);
  }

  /** Ends what is under way, settles, and ends. @param graceMs after this, what is under way is cut off. Default: it has its time */
  stop(graceMs?: number): void {
    this.isStopping = true;
    this.deliveries.stop();
    if (graceMs !== undefined) this.grace ??= this.parts.clock.setTimeout(this.cutOff, graceMs);
    this.wake();
  }

  /** Ends at once: another node has it, or it was removed. */
  end(): void {
    this.isEnded = true;
    this.deliveries.stop();
    this.cutOff();
  }

  /** Rows may have become due. */
  look(): void {
    this.intake.look();
    this.wake();
  }

  /** A run was erased. */
  forget(runId: string): void {
    this.deliveries.forget(runId);
    this.wake();
  }

  /** @returns false when there is nothing to do */
  private async step(): Promise<boolean> {
    const now = this.parts.clock.elapsed();
    if (this.deliveries.unsettled.pause && !this.isStopping) this.stop();
    if (this.isStopping) return this.finish();
    if (this.settleAt <= now) await this.settle();
    else if (this.intake.takeAt <= now) await this.intake.takeDue();
    else if (this.stuckAt <= now) this.spill(now);
    else if (this.readable > 0 && !this.log.isAtEnd) return this.intake.readOn(this.readable);
    else return false;
    return true;
  }

  private get restMs(): number {
    if (this.isStopping) return LONGEST_REST_MS;
    const due = Math.min(this.settleAt, this.intake.takeAt, this.stuckAt) - this.parts.clock.elapsed();
    const leftMs = this.endpoint?.leftMs ?? 0;
    const next = this.log.isAtEnd || leftMs === 0 ? due : Math.min(due, leftMs);
    // Where the log has more that can’t be read yet, nobody wakes it.
    const longest = this.log.isAtEnd || this.readable === 0 ? LONGEST_REST_MS : RETRY_MS;
    return Math.max(1, Math.min(next, longest));
  }

  private get hasRoom(): boolean {
    const { openCount, characters } = this.deliveries;
    return openCount <= MOST_OPEN - PAGE_EVENTS && characters < MOST_CHARACTERS;
  }

  /** How many events may be read now. The log keeps what comes while an endpoint fails: one event is read at a time, to try it with. */
  private get readable(): number {
    if (!this.hasRoom) return 0;
    if (!this.endpoint?.isFailing) return PAGE_EVENTS;
    return this.deliveries.openCount === 0 && this.endpoint.leftMs === 0 ? 1 : 0;
  }

  /** Of a webhook of the API. */
  private get endpoint(): Endpoint | undefined {
    return this.wanted.terms && this.parts.endpoints.of(this.wanted.terms.url);
  }

  /** When it is time to settle; `Infinity` where nothing is to be. */
  private get settleAt(): number {
    const { unsettled } = this.deliveries;
    if (unsettled.delivered >= MOST_UNSETTLED) return this.settledAt;
    if (unsettled.hasRows) return this.settledAt + SETTLE_ROWS_MS;
    if (unsettled.delivered > 0) return this.settledAt + SETTLE_MS;
    return this.cursor > this.settledCursor ? this.settledAt + SETTLE_CURSOR_MS : Infinity;
  }

  /** When those are kept as rows that hold up others, or the cursor. */
  private get stuckAt(): number {
    const { first, beyond } = this.deliveries;
    const isFull = beyond >= MOST_OPEN || (this.isOfRuns && !this.hasRoom);
    const stuckAt = isFull && first ? first.takenAt + STUCK_MS : Infinity;
    return Math.max(this.spiltAt + STUCK_MS, this.isOfRuns && this.intake.isFull ? 0 : stuckAt);
  }

  private get isOfRuns(): boolean {
    return this.wanted.terms === undefined;
  }

  /** Each event up to this one is delivered, given up, kept, or none of its. */
  private get cursor(): number {
    const { first } = this.deliveries;
    return first ? first.about.event - 1 : this.log.upTo;
  }

  private async finish(): Promise<boolean> {
    if (this.deliveries.underWay > 0) return false;
    this.deliveries.keepRest();
    if (this.settleAt < Infinity || this.deliveries.unsettled.pause) await this.settle();
    this.isEnded = true;
    return true;
  }

  private async settle(): Promise<void> {
    const { unsettled, first } = this.deliveries;
    const { cursor } = this;
    const deliveries = unsettled.take(this.parts.now());
    const { pause } = unsettled;
    const cursorAt = first ? Math.min(Date.parse(first.about.time), this.log.at) : this.log.at;
    const progress = { cursor, cursorAt, deliveries, ...(pause && { pause }) };
    const hadRows = unsettled.hasRows;
    if (!(await this.parts.keeping.settle(this.id, progress))) {
      this.end();
      return;
    }
    this.settledAt = this.parts.clock.elapsed();
    this.settledCursor = cursor;
    if (hadRows) this.intake.look();
    unsettled.settled(deliveries);
    if (!pause || !this.wanted.terms) return;
    const { id: webhook } = this;
    this.parts.tell({ kind: 'webhook.paused', webhook, url: shownUrl(this.wanted.terms), reason: pause });
  }

  /** The log keeps what has had no turn yet of a webhook of the API: it has one endpoint. */
  private spill(now: number): void {
    this.spiltAt = now;
    this.deliveries.spill(now - STUCK_MS, AGAIN_MS, this.isOfRuns);
  }

  private readonly cutOff = (): void => {
    this.cut.abort();
    this.wake();
  };

  private readonly wake = (): void => {
    this.isWoken = true;
    if (!this.isBackingOff || this.isStopping || this.isEnded) this.resume?.();
  };

  private readonly onMore = (): void => {
    if (this.readable > 0) this.wake();
  };

  private async rest(ms: number): Promise<void> {
    const { clock } = this.parts;
    if (!this.isWoken) {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const timer = clock.setTimeout(resolve, ms);
      this.resume = resolve as () => void;
      await promise;
      clock.clearTimeout(timer);
      this.resume = undefined;
    }
    this.isWoken = false;
  }

  private async backOff(failures: number, error: unknown): Promise<void> {
    if (failures === 1)
      this.parts.logger.warn(`Webhook ${this.id} can’t go on, which is tried again: ${textOf(error)}`);
    this.isBackingOff = true;
    this.isWoken = this.isEnded;
    await this.rest(Math.min(RETRY_MS * failures, MOST_RETRY_MS));
    this.isBackingOff = false;
    this.intake.look();
  }
}
