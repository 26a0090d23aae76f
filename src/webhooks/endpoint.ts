import type { Clock } from '../core/clock.js';
import { Breaker } from './breaker.js';

/** Most attempts under way to an endpoint. */
const MOST_IN_FLIGHT = 20;
/** How many idle endpoints are remembered. */
const MOST_IDLE = 10_000;

/** A delivery that waits for its turn at an endpoint. */
export interface Turn {
  /** Whether the delivery waits while the breaker is open. Others are refused. */
  readonly isPatient: boolean;
  /** Whether no attempt follows this one. A delivery that isn't patient is then let through although the breaker is open. */
  readonly isLast: boolean;
  /** Makes the attempt. @returns the least wait that a failure asks for, in milliseconds; undefined for a success. It never rejects. */
  attempt(): Promise<number | undefined>;
  /** Called when the breaker is open. */
  refused(): void;
}

/**
 * Limits the attempts to one URL, over all webhooks: by a bound on those under way, and by a breaker. The bound begins with one and grows
 * with each success, so that URLs that hang don't take all connections to an origin that they share with others.
 */
export class Endpoint {
  /** Waiting deliveries, in the order in which they came. */
  private readonly turns = new Set<Turn>();
  private readonly breaker: Breaker;
  private inFlight = 0;
  private most = 1;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly clock: Clock) {
    this.breaker = new Breaker(clock);
  }

  get isIdle(): boolean {
    return this.inFlight === 0 && this.turns.size === 0;
  }

  /** Whether its breaker is open. */
  get isFailing(): boolean {
    return this.breaker.isOpen;
  }

  /** How long until the breaker lets an attempt through, in milliseconds. */
  get leftMs(): number {
    return this.breaker.leftMs;
  }

  add(turn: Turn): void {
    this.turns.add(turn);
    this.goOn();
  }

  /** @returns false when its attempt has begun already */
  withdraw(turn: Turn): boolean {
    const isWaiting = this.turns.delete(turn);
    if (this.turns.size === 0) this.clock.clearTimeout(this.timer);
    return isWaiting;
  }

  private readonly goOn = (): void => {
    this.clock.clearTimeout(this.timer);
    this.timer = undefined;
    for (const turn of this.turns) {
      const isFull = this.inFlight >= this.most;
      if (isFull && !this.breaker.isOpen) return;
      if (this.breaker.allows || (turn.isLast && !turn.isPatient)) {
        if (!isFull) void this.run(turn);
      } else if (!turn.isPatient) {
        this.refuse(turn);
      }
    }
    if (this.turns.size > 0 && this.breaker.leftMs > 0)
      this.timer = this.clock.setTimeout(this.goOn, this.breaker.leftMs);
  };

  private async run(turn: Turn): Promise<void> {
    this.turns.delete(turn);
    this.inFlight += 1;
    const ended = this.breaker.begin();
    const retryAfterMs = await turn.attempt();
    this.inFlight -= 1;
    if (retryAfterMs === undefined && this.most < MOST_IN_FLIGHT) this.most += 1;
    ended(retryAfterMs);
    this.goOn();
  }

  private refuse(turn: Turn): void {
    this.turns.delete(turn);
    turn.refused();
  }
}

/** The endpoints of all webhooks, by their URLs without the query. */
export class Endpoints {
  private readonly endpoints = new Map<string, Endpoint>();

  constructor(private readonly clock: Clock) {}

  of(url: string): Endpoint {
    const query = url.indexOf('?');
    const key = query < 0 ? url : url.slice(0, query);
    let endpoint = this.endpoints.get(key);
    if (endpoint) return endpoint;
    if (this.endpoints.size >= MOST_IDLE) this.forgetIdle();
    this.endpoints.set(key, (endpoint = new Endpoint(this.clock)));
    return endpoint;
  }

  /** Forgets half of the most idle endpoints at once, so that this is rare. */
  private forgetIdle(): void {
    let left = MOST_IDLE / 2;
    for (const [key, { isIdle }] of this.endpoints) {
      if (!isIdle) continue;
      this.endpoints.delete(key);
      if (--left === 0) return;
    }
  }
}
