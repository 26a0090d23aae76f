/** A key, and how many of its runs wait for slots. */
export interface WaitingKey {
  readonly key: string;
  readonly queued: number;
}

/** How many runs of each key wait for slots. */
export class WaitingKeys {
  private readonly counts = new Map<string, number>();
  private total = 0;

  change(key: string, by: 1 | -1): void {
    this.total += by;
    const count = (this.counts.get(key) ?? 0) + by;
    if (count === 0) this.counts.delete(key);
    else this.counts.set(key, count);
  }

  /** How many runs of a key wait. @param queued how many wait in all, including those without a key */
  count(key: string | undefined, queued: number): number {
    return key === undefined ? queued - this.total : (this.counts.get(key) ?? 0);
  }

  /** The keys with the most waiting runs, at most `limit`. */
  busiest(limit: number): WaitingKey[] {
    const busiest: WaitingKey[] = [];
    for (const [key, queued] of this.counts) {
      const at = busiest.findIndex((other) => other.queued < queued);
      if (at >= 0) busiest.splice(at, 0, { key, queued });
      else if (busiest.length < limit) busiest.push({ key, queued });
      if (busiest.length > limit) busiest.pop();
    }
    return busiest;
  }
}
