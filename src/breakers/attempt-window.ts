/** Attempts that ended within so many milliseconds of each other are forgotten together. */
const BUCKET_MS = 250;

interface Bucket {
  readonly at: number;
  attempts: number;
  failed: number;
  slow: number;
}

/** What attempts of the last moments came to. */
export type Counts = Omit<Readonly<Bucket>, 'at'>;

/**
 * Counts attempts of the last `windowMs`. Cockatiel's SamplingBreaker forgets by attempts: where few come, its window reaches back for as long as it has
 * buckets, however long ago they were.
 */
export class AttemptWindow {
  private buckets: Bucket[] = [];

  /** @param at when it ended, in milliseconds on a clock that is never set */
  add(at: number, hasFailed: boolean, isSlow: boolean, windowMs: number): void {
    let bucket = this.buckets.at(-1);
    if (!bucket || at - bucket.at >= BUCKET_MS) {
      this.buckets = this.buckets.filter((old) => at - old.at < windowMs);
      this.buckets.push((bucket = { at, attempts: 0, failed: 0, slow: 0 }));
    }
    bucket.attempts += 1;
    if (hasFailed) bucket.failed += 1;
    if (isSlow) bucket.slow += 1;
  }

  counts(at: number, windowMs: number): Counts {
    const counts = { attempts: 0, failed: 0, slow: 0 };
    for (const bucket of this.buckets) {
      if (at - bucket.at >= windowMs) continue;
      counts.attempts += bucket.attempts;
      counts.failed += bucket.failed;
      counts.slow += bucket.slow;
    }
    return counts;
  }

  clear(): void {
    this.buckets = [];
  }
}
