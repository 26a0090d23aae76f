import { pairOf } from '../run/webhook-keeping.js';
import type { Delivery } from './delivery.js';
import type { Endpoints } from './endpoint.js';
import type { Attempt, Sender } from './sender.js';
import { Unsettled } from './unsettled.js';
import type { Verdicts } from './verdicts.js';

/** How many receivers that have answered 410 (for a run) are remembered. */
const MOST_GONE = 1_000;

export interface DeliveryParts {
  readonly sender: Pick<Sender, 'attempt'>;
  readonly endpoints: Endpoints;
  /** In milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * The deliveries of a webhook that this node makes, in the order of events within each run and target. A delivery that was read from the
 * log is `open` until it is delivered, given up or kept as a row. A delivery from a row is `taken`.
 */
export class Deliveries {
  readonly unsettled = new Unsettled();
  /** How many attempts are under way. */
  underWay = 0;
  /** Total size of the bodies of open deliveries, in characters. */
  characters = 0;
  /** How many deliveries have closed since the current first one became the first. */
  beyond = 0;
  /** Whether no further attempt begins. */
  isStopped = false;
  /** The open deliveries, in the order of the log. */
  private readonly open = new Set<Delivery>();
  /** Open deliveries by run and target. The first is under way or has the next turn; the others wait for it. */
  private readonly lanes = new Map<string, Delivery[]>();
  /** The taken deliveries, by name. */
  private readonly taken = new Map<string, Delivery>();
  /** Runs and targets whose receivers have answered 410: they want no more events. */
  private readonly gone = new Set<string>();
  /** The highest event of a delivery that has closed. */
  private furthest = 0;

  /**
   * @param signal cuts off attempts under way
   * @param onProgress called when an attempt has ended
   */
  constructor(
    private readonly parts: DeliveryParts,
    private readonly verdicts: Verdicts,
    private readonly signal: AbortSignal,
    private readonly onProgress: () => void,
  ) {}

  get openCount(): number {
    return this.open.size;
  }

  get takenCount(): number {
    return this.taken.size;
  }

  /** The first open delivery. */
  get first(): Delivery | undefined {
    for (const delivery of this.open) return delivery;
    return undefined;
  }

  /** Whether a delivery is taken, or was changed and isn't settled yet. */
  has(name: string): boolean {
    return this.taken.has(name) || this.unsettled.has(name);
  }

  /** Runs and targets with deliveries kept as rows. Deliveries that are read from now on wait behind these. */
  waitingPairs(): string[] {
    return [...this.unsettled.waitingPairs(), ...this.taken.values().map(({ about }) => pairOf(about))];
  }

  /** Adds a delivery from the log. @param isBehind whether an earlier delivery of its run and target is kept as a row */
  add(delivery: Delivery, isBehind: boolean): void {
    this.open.add(delivery);
    this.characters += delivery.body.length;
    if (isBehind) {
      this.keep(delivery, null);
      return;
    }
    const pair = pairOf(delivery.about);
    const lane = this.lanes.get(pair);
    if (lane) {
      lane.push(delivery);
    } else {
      this.lanes.set(pair, [delivery]);
      this.submit(delivery);
    }
  }

  /** Adds a delivery from a row that is due. */
  take(delivery: Delivery): void {
    delivery.isKept = true;
    this.taken.set(delivery.name, delivery);
    // Somebody wants its receiver asked again.
    if (delivery.isRedriven) this.gone.delete(pairOf(delivery.about));
    this.submit(delivery);
  }

  /**
   * Keeps deliveries as rows that were taken up before a time, so that they hold up no others. Attempts under way go on.
   *
   * @param before on the clock of `performance.now()`
   * @param againMs within how many milliseconds they are due again
   * @param all whether to include deliveries that have had no turn
   */
  spill(before: number, againMs: number, all: boolean): void {
    for (const delivery of [...this.open, ...this.taken.values()]) {
      const { isUnderWay } = delivery;
      const isThere = this.open.has(delivery) || this.taken.has(delivery.name);
      if (!isThere || delivery.takenAt > before || (isUnderWay ? delivery.isKept : !all)) continue;
      if (!isUnderWay) this.withdraw(delivery);
      const waitMs = isUnderWay ? delivery.timeoutMs + againMs : Math.round(Math.random() * againMs);
      this.keep(delivery, this.parts.now() + waitMs);
      if (isUnderWay) this.taken.set(delivery.name, delivery);
    }
  }

  /** Called when a run was erased: deliveries that aren’t under way are never sent, and nothing more is kept of the others. */
  forget(runId: string): void {
    for (const delivery of [...this.open, ...this.taken.values()]) {
      if (delivery.about.runId !== runId) continue;
      delivery.isErased = true;
      if (delivery.isUnderWay) continue;
      this.withdraw(delivery);
      this.leave(delivery);
      this.lanes.delete(pairOf(delivery.about));
    }
    this.unsettled.forget(runId);
  }

  /** Begins no further attempt. */
  stop(): void {
    this.isStopped = true;
    for (const delivery of [...this.open, ...this.taken.values()]) {
      if (delivery.isUnderWay) continue;
      this.withdraw(delivery);
      this.taken.delete(delivery.name);
    }
  }

  /** Keeps open deliveries as rows if a later one has closed, so that the later ones aren’t sent again. No attempt may be under way. */
  keepRest(): void {
    for (const delivery of this.open) if (delivery.about.event <= this.furthest) this.keep(delivery, null);
  }

  async attempt(delivery: Delivery): Promise<number | undefined> {
    delivery.isUnderWay = true;
    this.underWay += 1;
    const attempt = await this.parts.sender.attempt(delivery.message, delivery.terms, this.signal);
    delivery.isUnderWay = false;
    this.underWay -= 1;
    if (attempt) this.conclude(delivery, attempt);
    else if (delivery.isKept) this.keep(delivery, this.parts.now());
    this.onProgress();
    return attempt?.isDelivered ? undefined : (attempt?.retryAfterMs ?? 0);
  }

  refused(delivery: Delivery): void {
    const at = this.parts.now();
    const message = 'No request was made, since the last ones to this URL have failed';
    delivery.attempted({ at, tookMs: 0, error: 'breaker-open', message });
    this.keep(delivery, delivery.nextAt(at, 0) ?? at);
    this.onProgress();
  }

  private conclude(delivery: Delivery, attempt: Attempt): void {
    const { state, nextAt, pause } = this.verdicts.on(delivery, attempt);
    // During a stop, the webhook's terms may have changed already.
    if (pause && !this.isStopped) this.unsettled.pause ??= pause;
    if (attempt.isGone && state === 'dead') this.rememberGone(pairOf(delivery.about));
    if (state === 'delivered') this.unsettled.delivered += 1;
    if (state === 'waiting') this.keep(delivery, nextAt);
    else this.end(delivery, state);
  }

  private submit(delivery: Delivery): void {
    if (this.isStopped) return;
    if (this.gone.has(pairOf(delivery.about))) this.giveUp(delivery);
    else this.parts.endpoints.of(delivery.terms.url).add(delivery);
  }

  /** Gives a delivery up without a request. */
  private giveUp(delivery: Delivery): void {
    const message =
      'No request was made, since the receiver has answered an earlier event of the run with 410';
    this.verdicts.givenUp(delivery, { at: this.parts.now(), tookMs: 0, error: 'gone', message });
    this.end(delivery, 'dead');
    this.onProgress();
  }

  private rememberGone(pair: string): void {
    if (this.gone.size >= MOST_GONE) this.gone.clear();
    this.gone.add(pair);
  }

  /** Ends a delivery. The next one of its run and target gets its turn. */
  private end(delivery: Delivery, state: 'delivered' | 'dead'): void {
    this.leave(delivery);
    if (!delivery.isErased) {
      if (state === 'dead' || delivery.isKept) this.unsettled.keep(delivery.row(state, this.parts.now()));
      else this.unsettled.show(delivery);
    }
    const pair = pairOf(delivery.about);
    const lane = this.lanes.get(pair);
    if (lane?.[0] !== delivery) return;
    lane.shift();
    const next = lane.at(0);
    if (next) this.submit(next);
    else this.lanes.delete(pair);
  }

  /** Keeps a delivery as a row, and those that wait behind it. */
  private keep(delivery: Delivery, dueAt: number | null): void {
    const pair = pairOf(delivery.about);
    const lane = this.lanes.get(pair);
    this.keepOne(delivery, dueAt);
    if (lane?.[0] !== delivery) return;
    this.lanes.delete(pair);
    for (const behind of lane.slice(1)) this.keepOne(behind, null);
  }

  private keepOne(delivery: Delivery, dueAt: number | null): void {
    this.leave(delivery);
    if (delivery.isErased) return;
    delivery.isKept = true;
    this.unsettled.keep(delivery.row('waiting', this.parts.now(), dueAt));
  }

  private leave(delivery: Delivery): void {
    this.taken.delete(delivery.name);
    const { first } = this;
    if (!this.open.delete(delivery)) return;
    this.beyond = delivery === first ? 0 : this.beyond + 1;
    this.characters -= delivery.body.length;
    this.furthest = Math.max(this.furthest, delivery.about.event);
  }

  private withdraw(delivery: Delivery): void {
    this.parts.endpoints.of(delivery.terms.url).withdraw(delivery);
  }
}
