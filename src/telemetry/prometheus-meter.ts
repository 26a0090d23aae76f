import type {
  Attributes,
  BatchObservableCallback,
  Histogram,
  MetricOptions,
  Observable,
} from '@opentelemetry/api';
import type { OurMeter } from './instruments.js';

export const PROMETHEUS_TEXT = 'text/plain; version=0.0.4';

/** Suffixes of metric names, by unit. */
const SUFFIXES: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes', 1: '_ratio' };

/** The name of a metric in Prometheus. Histograms get `_bucket`, `_sum` and `_count` appended. */
export function prometheusName(name: string, unit: string, isCounter: boolean): string {
  return name.replaceAll('.', '_') + (SUFFIXES[unit] ?? '') + (isCounter ? '_total' : '');
}

/** The values of a metric with the same attributes. */
interface Series {
  /** The attributes as labels, each followed by a comma. */
  readonly labels: string;
  /** For a histogram: how many values each bucket has. Empty for other metrics. */
  readonly buckets: number[];
  /** For a histogram: the sum of its values. For other metrics: the value. */
  sum: number;
}

class Metric implements Histogram, Observable {
  readonly series = new Map<Attributes, Series>();
  readonly name: string;
  readonly boundaries: readonly number[];

  constructor(
    name: string,
    readonly type: 'histogram' | 'counter' | 'gauge',
    readonly options: MetricOptions,
  ) {
    this.name = prometheusName(name, options.unit ?? '', type === 'counter');
    this.boundaries = options.advice?.explicitBucketBoundaries ?? [];
  }

  record(value: number, attributes: Attributes = NONE): void {
    const series = this.seriesOf(attributes);
    const { boundaries } = this;
    let at = 0;
    while (at < boundaries.length && value > (boundaries[at] ?? 0)) at += 1;
    series.buckets[at] = (series.buckets[at] ?? 0) + 1;
    series.sum += value;
  }

  set(value: number, attributes: Attributes = NONE): void {
    this.seriesOf(attributes).sum = value;
  }

  addCallback(): void {
    throw new Error('Only batch callbacks are known');
  }

  removeCallback(): void {
    throw new Error('Only batch callbacks are known');
  }

  text(): string {
    const { name, type, options } = this;
    let text = `# HELP ${name} ${options.description ?? ''}\n# TYPE ${name} ${type}\n`;
    for (const { labels, buckets, sum } of this.series.values()) {
      if (type !== 'histogram') {
        text += `${name}${braced(labels)} ${sum}\n`;
        continue;
      }
      let count = 0;
      for (let at = 0; at < buckets.length; at += 1) {
        count += buckets[at] ?? 0;
        text += `${name}_bucket{${labels}le="${this.boundaries[at] ?? '+Inf'}"} ${count}\n`;
      }
      text += `${name}_sum${braced(labels)} ${sum}\n${name}_count${braced(labels)} ${count}\n`;
    }
    return text;
  }

  private seriesOf(attributes: Attributes): Series {
    let series = this.series.get(attributes);
    if (!series) {
      const buckets = this.type === 'histogram' ? Array<number>(this.boundaries.length + 1).fill(0) : [];
      this.series.set(attributes, (series = { labels: labelsOf(attributes), buckets, sum: 0 }));
    }
    return series;
  }
}

const NONE: Attributes = {};

/**
 * A meter with output in Prometheus’s text format. An attributes object identifies a series: equal attributes must be the same object.
 * The SDK’s meter takes ten times as long to record a value, and its exporter blocks the process for 80 ms to write the metrics of 200
 * tasks.
 */
export class PrometheusMeter implements OurMeter {
  private readonly metrics: Metric[] = [];
  private readonly callbacks = new Set<BatchObservableCallback>();

  /** All current values. */
  text(): string {
    // A gauge that is no longer observed is no longer reported.
    for (const { type, series } of this.metrics) if (type === 'gauge') series.clear();
    const result = {
      observe(metric: Observable, value: number, attributes?: Attributes): void {
        (metric as Metric).set(value, attributes);
      },
    };
    for (const observe of this.callbacks) void observe(result);
    return this.metrics.map((metric) => metric.text()).join('');
  }

  createHistogram(name: string, options: MetricOptions = {}): Histogram {
    return this.add(new Metric(name, 'histogram', options));
  }

  createObservableCounter(name: string, options: MetricOptions = {}): Observable {
    return this.add(new Metric(name, 'counter', options));
  }

  createObservableGauge(name: string, options: MetricOptions = {}): Observable {
    return this.add(new Metric(name, 'gauge', options));
  }

  createObservableUpDownCounter(name: string, options: MetricOptions = {}): Observable {
    return this.createObservableGauge(name, options);
  }

  addBatchObservableCallback(observe: BatchObservableCallback): void {
    this.callbacks.add(observe);
  }

  removeBatchObservableCallback(observe: BatchObservableCallback): void {
    this.callbacks.delete(observe);
  }

  private add(metric: Metric): Metric {
    this.metrics.push(metric);
    return metric;
  }
}

function braced(labels: string): string {
  return labels === '' ? '' : `{${labels.slice(0, -1)}}`;
}

function labelsOf(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name.replaceAll('.', '_')}="${escaped(String(value))}",`)
    .join('');
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
