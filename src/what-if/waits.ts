/** Quantiles as answers name them. */
const QUANTILES = { p50: 0.5, p90: 0.9, p99: 0.99, 'p99.9': 0.999 } as const;

type Named<T> = Record<keyof typeof QUANTILES, T>;

/** How long callers waited, in milliseconds. */
export class Waits {
  private readonly sorted: Float64Array;

  constructor(waits: readonly number[]) {
    this.sorted = Float64Array.from(waits).sort();
  }

  /** What at most a share of `1 - quantile` exceeds; undefined without any. */
  at(quantile: number): number | undefined {
    return this.sorted[Math.max(0, Math.ceil(quantile * this.sorted.length - 1e-9) - 1)];
  }

  /** To a tenth; null without any. */
  get times(): Named<number | null> {
    return named((quantile) => tenths(this.at(quantile)));
  }

  /**
   * Between what a quantile is with a certainty of 95 %, as far as chance has chosen these waits from all there could have been: the waits at the
   * ranks that a binomial distribution puts around it. Null where there are too few for that end.
   */
  get chance(): Named<{ from: number | null; to: number | null }> {
    const { sorted } = this;
    return named((quantile) => {
      const rank = quantile * sorted.length;
      const beside = 1.96 * Math.sqrt(rank * (1 - quantile));
      return {
        from: tenths(sorted[Math.floor(rank - beside) - 1]),
        to: tenths(sorted[Math.ceil(rank + beside)]),
      };
    });
  }
}

function named<T>(of: (quantile: number) => T): Named<T> {
  const { p50, p90, p99 } = QUANTILES;
  return { p50: of(p50), p90: of(p90), p99: of(p99), 'p99.9': of(QUANTILES['p99.9']) };
}

function tenths(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 10) / 10;
}
