import type { CommitTimes } from '../run/commits.js';

/** How many are kept. */
const KEPT = 512;

/** The most recent durations of an operation, in milliseconds. */
export class RecentTimes {
  private readonly times = new Float64Array(KEPT);
  private added = 0;

  add(ms: number): void {
    this.times[this.added++ % KEPT] = ms;
  }

  quantiles(): CommitTimes {
    const count = Math.min(this.added, KEPT);
    const sorted = this.times.subarray(0, count).toSorted();
    const at = (quantile: number): number | null => {
      const ms = sorted[Math.ceil(quantile * count) - 1];
      return ms === undefined ? null : Math.round(ms * 100) / 100;
    };
    return { count, p50: at(0.5), p90: at(0.9), p99: at(0.99) };
  }
}
