import type { Attributes, BatchObservableResult, Histogram, Meter, Observable } from '@opentelemetry/api';
import {
  METRICS,
  type CounterName,
  type HistogramName,
  type MetricName,
  type MetricType,
} from './metrics.js';

/** The part of a meter that is used. */
export type OurMeter = Pick<
  Meter,
  | 'createHistogram'
  | 'createObservableCounter'
  | 'createObservableGauge'
  | 'createObservableUpDownCounter'
  | 'addBatchObservableCallback'
  | 'removeBatchObservableCallback'
>;

/** The value of an attribute; an undefined one is left out. */
type Value = string | number | undefined;

/** Reports a value of a metric. @param values the values of its attributes, in order */
export type Tell = (name: MetricName, value: number, ...values: readonly Value[]) => void;

/** The instruments of a meter, one for each metric. They add the metric's attributes to each value. */
export class Instruments {
  private readonly histograms = new Map<string, Histogram>();
  private readonly observables = new Map<string, Observable>();
  private readonly attributes = new Map<string, AttributeSets>();
  private readonly counts = new Map<CounterName, Map<Attributes, number>>();

  constructor(
    private readonly meter: OurMeter,
    private readonly state: (tell: Tell) => void,
  ) {
    for (const [name, type] of Object.entries<MetricType>(METRICS)) {
      this.attributes.set(name, new AttributeSets(type.attributes));
      if (type.kind === 'histogram') this.histograms.set(name, makeHistogram(meter, name, type));
      else this.observables.set(name, makeObservable(meter, name, type));
    }
    meter.addBatchObservableCallback(this.observe, [...this.observables.values()]);
  }

  record(name: HistogramName, value: number, ...values: readonly Value[]): void {
    this.histograms.get(name)?.record(value, this.attributes.get(name)?.of(values));
  }

  /** Adds one to a counter. The count is kept here, because a call to the meter would take longer than everything else. */
  count(name: CounterName, ...values: readonly Value[]): void {
    this.add(name, 1, ...values);
  }

  /** Adds `more` to a counter. */
  add(name: CounterName, more: number, ...values: readonly Value[]): void {
    const attributes = this.attributes.get(name)?.of(values) ?? {};
    let counts = this.counts.get(name);
    if (!counts) this.counts.set(name, (counts = new Map<Attributes, number>()));
    counts.set(attributes, (counts.get(attributes) ?? 0) + more);
  }

  end(): void {
    this.meter.removeBatchObservableCallback(this.observe, [...this.observables.values()]);
  }

  private readonly observe = (result: BatchObservableResult): void => {
    for (const [name, counts] of this.counts)
      for (const [attributes, value] of counts) this.tell(result, name, value, attributes);
    this.state((name, value, ...values) => {
      this.tell(result, name, value, this.attributes.get(name)?.of(values));
    });
  };

  private tell(
    result: BatchObservableResult,
    name: MetricName,
    value: number,
    attributes: Attributes | undefined,
  ): void {
    const observable = this.observables.get(name);
    if (observable) result.observe(observable, value, attributes);
  }
}

interface Branch {
  readonly next: Map<Value, Branch>;
  set?: Attributes;
}

/**
 * Makes attributes from values: always the same object for the same values, because meters identify a series by it. The object is found
 * by one value after the other. Making a text key for each call would take longer than recording the value.
 */
class AttributeSets {
  private readonly root: Branch = { next: new Map() };

  constructor(private readonly names: readonly string[]) {}

  of(values: readonly Value[]): Attributes {
    let at = this.root;
    for (const value of values) {
      let branch = at.next.get(value);
      if (!branch) at.next.set(value, (branch = { next: new Map() }));
      at = branch;
    }
    return (at.set ??= this.make(values));
  }

  private make(values: readonly Value[]): Attributes {
    const given = this.names.map((name, index) => [name, values[index]] as const);
    return Object.fromEntries(given.filter(([, value]) => value !== undefined));
  }
}

function makeHistogram(
  meter: OurMeter,
  name: string,
  { unit, description, buckets = [] }: MetricType,
): Histogram {
  return meter.createHistogram(name, {
    unit,
    description,
    advice: { explicitBucketBoundaries: [...buckets] },
  });
}

function makeObservable(meter: OurMeter, name: string, { kind, unit, description }: MetricType): Observable {
  const options = { unit, description };
  if (kind === 'counter') return meter.createObservableCounter(name, options);
  if (kind === 'gauge') return meter.createObservableGauge(name, options);
  return meter.createObservableUpDownCounter(name, options);
}
