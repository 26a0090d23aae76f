import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  JsHistogram,
  type Histogram,
} from 'hdr-histogram-js';
import { z } from 'zod';
import { MAX_DURATION_MS } from '../core/duration.js';

/** The unit is a tenth of a millisecond, like that of durations in events. */
const UNITS_PER_MS = 10;

/**
 * Durations, as an HdrHistogram. Larger values are kept as the upper edge of their bucket. An empty histogram takes no memory.
 *
 * - Two significant digits: values are exact up to 25.6 ms, and beyond that at most 1/128 too high. Takes 2 to 15 kB.
 * - One digit: values are exact up to 3.2 ms, and beyond that at most 1/16 too high. Takes 1 to 10 kB: 1.6 kB if the longest is a second.
 */
export class DurationHistogram {
  private buckets: Histogram | undefined;

  constructor(private readonly digits: 1 | 2 = 2) {}

  /** Reads a text of {@link toText}. @param digits the digits of the written histogram @throws {Error} for any other text */
  static of(text: string, digits: 1 | 2 = 2): DurationHistogram {
    const histogram = new DurationHistogram(digits);
    if (text === '') return histogram;
    histogram.buckets = decodeFromCompressedBase64(text, 32);
    histogram.buckets.autoResize = true;
    return histogram;
  }

  get count(): number {
    return this.buckets?.totalCount ?? 0;
  }

  /** Negative times, after a clock was set back, count as 0. */
  record(ms: number): void {
    const within = Math.min(Math.max(ms, 0), MAX_DURATION_MS);
    (this.buckets ??= empty(this.digits)).recordValue(Math.ceil(within * UNITS_PER_MS));
  }

  add({ buckets }: DurationHistogram): void {
    if (buckets) (this.buckets ??= empty(this.digits)).add(buckets);
  }

  /** Subtracts a histogram whose values are all in this one. */
  subtract({ buckets }: DurationHistogram): void {
    if (buckets) this.buckets?.subtract(buckets);
  }

  /**
   * A quantile, in milliseconds: at most a share of `1 - quantile` of the values is above it. Undefined when there are no values.
   *
   * @param quantile from 0 to 1
   */
  valueAt(quantile: number): number | undefined {
    if (!this.buckets) return undefined;
    return this.buckets.getValueAtPercentile(quantile * 100) / UNITS_PER_MS;
  }

  /** Quantiles in milliseconds; null without values. */
  quantiles(): { count: number; p50: number | null; p90: number | null; p99: number | null } {
    const at = (quantile: number) => this.valueAt(quantile) ?? null;
    return { count: this.count, p50: at(0.5), p90: at(0.9), p99: at(0.99) };
  }

  /** The values in milliseconds, the smallest first, and the count of each. */
  values(): { ms: number; count: number }[] {
    if (!(this.buckets instanceof JsHistogram)) return [];
    const { recordedValuesIterator } = this.buckets;
    recordedValuesIterator.reset();
    const values = [];
    while (recordedValuesIterator.hasNext()) {
      const { valueIteratedTo, countAddedInThisIterationStep: count } = recordedValuesIterator.next();
      values.push({ ms: valueIteratedTo / UNITS_PER_MS, count });
    }
    return values;
  }

  /** The compressed form of HdrHistogram V2 in base64, which other implementations can read too. Empty when there are no values. */
  toText(): string {
    return this.buckets ? encodeIntoCompressedBase64(this.buckets) : '';
  }
}

/** A histogram of two digits, as text. */
export const histogramSchema = z.string().transform((text) => DurationHistogram.of(text));

/** Uses 32 bits for each bucket: the library's packed form is smaller, but needs five times as long to record a value. */
function empty(digits: 1 | 2): Histogram {
  return build({
    bitBucketSize: 32,
    autoResize: true,
    lowestDiscernibleValue: 1,
    highestTrackableValue: 2,
    numberOfSignificantValueDigits: digits,
    useWebAssembly: false,
  });
}
