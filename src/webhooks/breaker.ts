import type { Clock } from '../core/clock.js';

/** How many failures in a row open the breaker. */
const FAILURES = 5;
const LEAST_WAIT_MS = 1_000;
const MOST_WAIT_MS = 5 * 60_000;

/**
 * Keeps attempts off an endpoint that fails. When the wait of an open breaker is over, it lets one attempt through: the probe. A failed
 * probe doubles the wait. Any success closes the breaker.
 */
export class Breaker {
  private failures = 0;
  private waitMs = 0;
  private openUntil = 0;
  private probing = false;

  constructor(private readonly clock: Clock) {}

  get isOpen(): boolean {
    return this.failures >= FAILURES;
  }

  /** Whether an attempt may begin. */
  get allows(): boolean {
    return !this.isOpen || (!this.probing && this.clock.elapsed() >= this.openUntil);
  }

  /** How long until an attempt may begin, in milliseconds, unless a probe is under way. */
  get leftMs(): number {
    return this.isOpen ? Math.max(0, this.openUntil - this.clock.elapsed()) : 0;
  }

  /** Begins an attempt. @returns a function to call with the attempt's outcome: `retryAfterMs` is undefined for a success */
  begin(): (retryAfterMs: number | undefined) => void {
    const isProbe = this.isOpen && this.allows;
    if (isProbe) this.probing = true;
    return (retryAfterMs) => {
      if (isProbe) this.probing = false;
      if (retryAfterMs === undefined) this.failures = 0;
      else this.failed(isProbe, retryAfterMs);
    };
  }

  private failed(isProbe: boolean, retryAfterMs: number): void {
    const wasOpen = this.isOpen;
    this.failures += 1;
    // A failure of an attempt that began before the breaker opened changes nothing.
    if (!this.isOpen || (wasOpen && !isProbe)) return;
    this.waitMs = wasOpen ? Math.min(this.waitMs * 2, MOST_WAIT_MS) : LEAST_WAIT_MS;
    this.openUntil = this.clock.elapsed() + Math.max(this.waitMs, Math.min(retryAfterMs, MOST_WAIT_MS));
  }
}
