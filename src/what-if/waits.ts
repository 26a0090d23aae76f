/** Quantiles, by their names in answers. */
const QUANTILES = { p50: 0.5, p90: 0.9, p99: 0.99, 'p99.9': 0.999 } as const;

type Named<T> = Record<keyof typeof QUANTILES, T>;

/** How long callers waited, in milliseconds. */
export class Waits {
  private readonly sorted: Float64Array;

  constructor(waits: readonly number[]) {
    this.sorted = Float64Array.from(waits).sort();
  }

  /** The time that at most a share of `1 - quantile` of the waits exceeds; undefined without any waits. */
  at(quantile: number): number | undefined {
    return this.sorted[Math.max(0, Math.ceil(quantile * this.sorted.length - 1e-9) - 1)];
  }

  /** Rounded to a tenth of a millisecond; null without any waits. */
  get times(): Named<number | null> {
    return named((quantile) => tenths(this.at(quantile)));
  }

  /**
   * The 95 % confidence interval of each quantile, as far as these waits are a random sample of all possible ones. The ends are waits at
   * the ranks that a binomial distribution gives. Null where there are too few waits for that end.
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
