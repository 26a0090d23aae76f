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
 * In place of the storage that comes with the throttler, which counts one request at a time, keeps a time for every request and goes through all of a
 * caller's at each: docs/adr/0008-counts-in-fixed-windows.md has the figures.
 */
export class CallerCounts {
  /** Those that called since the last time that this was full, and those that called in the time before and not since. */
  private recent = new Map<string, Window>();
  private older = new Map<string, Window>();

  /** @param maxCallers how many are remembered at a time; those that haven't called for longest are forgotten */
  constructor(private readonly maxCallers = MAX_CALLERS) {}

  /** Counts requests. Several that are too many together are not counted: a part of them may come instead. */
  increment(caller: string, windowMs: number, limit: number, requests = 1) {
    const now = performance.now();
    const window = this.windowOf(caller, now, windowMs);
    const isBlocked = window.requests + requests > limit;
    if (requests === 1 || !isBlocked) window.requests += requests;
    const timeToExpire = Math.ceil((window.end - now) / 1000);
    return { totalHits: window.requests, timeToExpire, isBlocked };
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
