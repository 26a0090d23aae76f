/** These take about 20 MB. */
const MAX_CALLERS = 100_000;

interface Window {
  /** When the window ends, on the clock of `performance.now()`. */
  readonly end: number;
  requests: number;
}

/**
 * Counts each caller's requests in fixed windows.
 *
 * Replaces the throttler's own storage. That counts one request at a time, keeps a time for every request, and scans all of a caller's
 * times at each: docs/adr/0008-counts-in-fixed-windows.md has the figures.
 */
export class CallerCounts {
  /** `recent` has callers since it was last full. Then it becomes `older`, which has callers that may not have called since. */
  private recent = new Map<string, Window>();
  private older = new Map<string, Window>();

  /** @param maxCallers most callers that are remembered; those that haven't called for the longest time are forgotten */
  constructor(private readonly maxCallers = MAX_CALLERS) {}

  /**
   * Counts requests. Several requests that exceed the limit together are not counted, so that a smaller number of them can still come.
   */
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
