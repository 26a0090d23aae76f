import type { ThrottlerStorage } from '@nestjs/throttler';

/** About 20 MB. */
const MAX_CALLERS = 100_000;

interface Window {
  /** When it ends, on the clock of `performance.now()`. */
  readonly end: number;
  requests: number;
}

/**
 * How often each caller has called since its window began.
 *
 * In place of the storage that comes with the throttler, which keeps a time for every request and goes through all of a
 * caller's at each: docs/adr/0008-counts-in-fixed-windows.md has the figures.
 */
export class CallerCounts implements ThrottlerStorage {
  /** Those that called since the last time that this was full, and those that called in the time before and not since. */
  private recent = new Map<string, Window>();
  private older = new Map<string, Window>();

  /** @param maxCallers how many are remembered at a time; those that haven't called for longest are forgotten */
  constructor(private readonly maxCallers = MAX_CALLERS) {}

  increment(caller: string, windowMs: number, limit: number) {
    const now = performance.now();
    const window = this.windowOf(caller, now, windowMs);
    window.requests += 1;
    const isBlocked = window.requests > limit;
    const timeToExpire = Math.ceil((window.end - now) / 1000);
    return Promise.resolve({
      totalHits: window.requests,
      timeToExpire,
      isBlocked,
      timeToBlockExpire: isBlocked ? timeToExpire : 0,
    });
  }

  private windowOf(caller: string, now: number, windowMs: number): Window {
    const recent = this.recent.get(caller);
    if (recent && recent.end > now) return recent;
    const older = this.older.get(caller);
    const window = older && older.end > now ? older : { end: now + windowMs, requests: 0 };
    if (this.recent.size >= this.maxCallers / 2) {
      this.older = this.recent;
      this.recent = new Map();
    }
    this.recent.set(caller, window);
    return window;
  }
}
