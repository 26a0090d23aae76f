/** Attempts that end within this time of each other, in milliseconds, are forgotten together. */
const BUCKET_MS = 250;

interface Bucket {
  readonly at: number;
  attempts: number;
  failed: number;
  slow: number;
}

/** Counts of recent attempts by outcome. */
export type Counts = Omit<Readonly<Bucket>, 'at'>;

/**
 * Counts the attempts of the last `windowMs`. Cockatiel's SamplingBreaker forgets old attempts only when new ones come: with few
 * attempts, its window reaches back over all its buckets, however old these are.
 */
export class AttemptWindow {
  private buckets: Bucket[] = [];

  /** @param at when the attempt ended, in milliseconds on a monotonic clock */
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
