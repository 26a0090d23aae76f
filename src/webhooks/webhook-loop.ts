import { setMaxListeners } from 'node:events';
import type { Logger } from '@nestjs/common';
import type { Clock } from '../core/clock.js';
import { textOf } from '../core/thrown.js';
import type { WebhookEvent } from '../core/webhook-event.js';
import type { Journal } from '../run/journal.js';
import type { HeldWebhook, WebhookKeeping } from '../run/webhook-keeping.js';
import { Deliveries, type DeliveryParts } from './deliveries.js';
import { Intake } from './intake.js';
import type { Endpoint } from './endpoint.js';
import type { KnownRuns } from './known-runs.js';
import type { LogHead } from './log-head.js';
import type { LoopTurns } from './loop-turns.js';
import { LogReader } from './log-reader.js';
import { Settlements } from './settlements.js';
import { Sleeper } from './sleeper.js';
import { Verdicts } from './verdicts.js';
import { wantedBy, type Wanted } from './wanted.js';

/** How many deliveries may be open, and the total size of their bodies, in characters. */
const MOST_OPEN = 1_000;
const MOST_CHARACTERS = 8 * 2 ** 20;
/** How many events are read at a time, once there is room for that many. */
const PAGE_EVENTS = MOST_OPEN / 2;

/** A delivery that takes longer than `STUCK_MS` is kept as a row if it holds up others. It is due again within `AGAIN_MS`. */
const STUCK_MS = 1_000;
const AGAIN_MS = 10_000;

const RETRY_MS = 1_000;
const MOST_RETRY_MS = 10_000;
const LONGEST_SLEEP_MS = 60_000;

export interface LoopParts extends DeliveryParts {
  readonly journal: Journal;
  readonly keeping: WebhookKeeping;
  readonly head: LogHead;
  readonly runs: KnownRuns;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tell: (event: WebhookEvent) => void;
  /** Shared by all loops. */
  readonly turns: LoopTurns;
}

/**
 * Delivers one webhook: reads the log after its cursor, takes rows that are due, and settles progress. Only one of these happens at a
 * time, so its knowledge of the rows is always current. Attempts go on meanwhile.
 */
export class WebhookLoop {
  readonly revision: number;
  private readonly id: string;
  private readonly wanted: Wanted;
  private readonly log: LogReader;
  private readonly deliveries: Deliveries;
  private readonly intake: Intake;
  private readonly settlements: Settlements;
  private readonly sleeper: Sleeper;
  private readonly cut = new AbortController();
  /** On the clock of `performance.now()`, as `cutAt` is. */
  private spiltAt = -Infinity;
  private isStopping = false;
  private isEnded = false;
  private grace: NodeJS.Timeout | undefined;
  /** When the grace period ends. */
  private cutAt = Infinity;

  /** @param lastDeliveredAt see {@link Verdicts} */
  constructor(
    webhook: HeldWebhook,
    private readonly parts: LoopParts,
    lastDeliveredAt: number,
  ) {
    this.id = webhook.id;
    this.revision = webhook.revision;
    this.wanted = wantedBy(webhook);
    this.sleeper = new Sleeper(parts.clock);
    this.log = new LogReader(parts, this.wanted, webhook.cursor, webhook.cursorAt, this.onMore);
    const verdicts = new Verdicts(this.id, parts.tell, lastDeliveredAt);
    setMaxListeners(0, this.cut.signal);
    this.deliveries = new Deliveries(parts, verdicts, this.cut.signal, this.wake);
    this.intake = new Intake(this.id, this.wanted, parts, this.log, this.deliveries);
    this.settlements = new Settlements(webhook, this.wanted.terms, parts, this.log, this.deliveries);
  }

  /** Delivers until it is stopped or ended. It never rejects. */
  async run(): Promise<void> {
    this.log.begin();
    for (let failures = 0; !this.isEnded;) {
      try {
        await this.parts.turns.next();
        if (!(await this.step())) await this.sleeper.sleep(this.sleepMs);
        failures = 0;
      } catch (error) {
        failures += 1;
        await this.backOff(failures, error);
      }
    }
    this.log.end();
    this.parts.clock.clearTimeout(this.grace);
  }

  /**
   * Waits for attempts under way, settles, and ends.
   *
   * @param graceMs after this many milliseconds, attempts under way are cut off; of several calls, the earliest end counts. Default:
   * never
   */
  stop(graceMs = Infinity): void {
    const { clock } = this.parts;
    const cutAt = clock.elapsed() + graceMs;
    if (cutAt < this.cutAt) {
      clock.clearTimeout(this.grace);
      this.grace = clock.setTimeout(this.cutOff, graceMs);
      this.cutAt = cutAt;
    }
    this.isStopping = true;
    this.deliveries.stop();
    this.wake();
  }

  /** Ends at once: another node has the webhook, or it was removed. */
  end(): void {
    this.isEnded = true;
    this.deliveries.stop();
    this.cutOff();
  }

  /** To be called when rows may have become due. */
  look(): void {
    this.intake.look();
    this.wake();
  }

  /** To be called when a run was erased. */
  forget(runId: string): void {
    this.deliveries.forget(runId);
    this.wake();
  }

  /** @returns false when there is nothing to do */
  private async step(): Promise<boolean> {
    const now = this.parts.clock.elapsed();
    if (this.deliveries.unsettled.pause && !this.isStopping) this.stop();
    if (this.isStopping) return this.finish();
    if (this.settlements.dueAt <= now) await this.settle();
    else if (this.intake.takeAt <= now) await this.intake.takeDue();
    else if (this.stuckAt <= now) this.spill(now);
    else if (this.readable > 0 && !this.log.isAtEnd) return this.intake.readOn(this.readable);
    else return false;
    return true;
  }

  private get sleepMs(): number {
    if (this.isStopping) return LONGEST_SLEEP_MS;
    const due =
      Math.min(this.settlements.dueAt, this.intake.takeAt, this.stuckAt) - this.parts.clock.elapsed();
    const leftMs = this.endpoint?.leftMs ?? 0;
    const next = this.log.isAtEnd || leftMs === 0 ? due : Math.min(due, leftMs);
    // Nothing wakes the loop when more of the log exists but can’t be read yet.
    const longest = this.log.isAtEnd || this.readable === 0 ? LONGEST_SLEEP_MS : RETRY_MS;
    return Math.max(1, Math.min(next, longest));
  }

  private get hasRoom(): boolean {
    const { openCount, characters } = this.deliveries;
    return openCount <= MOST_OPEN - PAGE_EVENTS && characters < MOST_CHARACTERS;
  }

  /**
   * How many events may be read now. While an endpoint fails, events wait in the log: they are read one at a time, to try the endpoint.
   */
  private get readable(): number {
    if (!this.hasRoom) return 0;
    if (!this.endpoint?.isFailing) return PAGE_EVENTS;
    return this.deliveries.openCount === 0 && this.endpoint.leftMs === 0 ? 1 : 0;
  }

  /** The endpoint of an API webhook; undefined for the webhooks of runs. */
  private get endpoint(): Endpoint | undefined {
    return this.wanted.terms && this.parts.endpoints.of(this.wanted.terms.url);
  }

  /** When deliveries that hold up others, or the cursor, are to be kept as rows. */
  private get stuckAt(): number {
    const { first, beyond } = this.deliveries;
    const isFull = beyond >= MOST_OPEN || (this.isOfRuns && !this.hasRoom);
    const stuckAt = isFull && first ? first.takenAt + STUCK_MS : Infinity;
    return Math.max(this.spiltAt + STUCK_MS, this.isOfRuns && this.intake.isFull ? 0 : stuckAt);
  }

  private get isOfRuns(): boolean {
    return this.wanted.terms === undefined;
  }

  private async finish(): Promise<boolean> {
    if (this.deliveries.underWay > 0) return false;
    this.deliveries.keepRest();
    if (this.settlements.dueAt < Infinity || this.deliveries.unsettled.pause) await this.settle();
    this.isEnded = true;
    return true;
  }

  private async settle(): Promise<void> {
    const hadRows = this.deliveries.unsettled.hasRows;
    if (!(await this.settlements.settle())) this.end();
    else if (hadRows) this.intake.look();
  }

  /** For an API webhook, deliveries that have had no turn yet stay open: it has only one endpoint. */
  private spill(now: number): void {
    this.spiltAt = now;
    this.deliveries.spill(now - STUCK_MS, AGAIN_MS, this.isOfRuns);
  }

  private readonly cutOff = (): void => {
    this.cut.abort();
    this.wake();
  };

  private readonly wake = (): void => {
    this.sleeper.wake(this.isStopping || this.isEnded);
  };

  private readonly onMore = (): void => {
    if (this.readable > 0) this.wake();
  };

  private async backOff(failures: number, error: unknown): Promise<void> {
    if (failures === 1)
      this.parts.logger.warn(`Webhook ${this.id} can’t go on, which is tried again: ${textOf(error)}`);
    if (!this.isEnded) await this.sleeper.sleepThrough(Math.min(RETRY_MS * failures, MOST_RETRY_MS));
    this.intake.look();
  }
}
