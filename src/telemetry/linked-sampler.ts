import {
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Link,
  type SpanKind,
} from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  type Sampler,
  type SamplingResult,
} from '@opentelemetry/sdk-trace';

const DEFAULT = 'parentbased_always_on';
const SAMPLED: SamplingResult = { decision: SamplingDecision.RECORD_AND_SAMPLED };

/**
 * Samples a root span that has a link to a sampled span. The work after a run's reply has such a root span: a ratio would decide anew for
 * it. For other spans it asks the given sampler.
 */
class LinkedSampler implements Sampler {
  constructor(private readonly others: Sampler) {}

  shouldSample(
    context: Context,
    traceId: string,
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const isRoot = links.length > 0 && trace.getSpanContext(context) === undefined;
    if (isRoot && links.some((link) => (link.context.traceFlags & TraceFlags.SAMPLED) !== 0)) return SAMPLED;
    return this.others.shouldSample(context, traceId, name, kind, attributes, links);
  }

  toString(): string {
    return `LinkedSampler{${this.others.toString()}}`;
  }
}

/**
 * The sampler of OTEL_TRACES_SAMPLER, extended so that the work after a reply is sampled like its run. Undefined for `always_off`, and
 * for a name that the SDK will refuse.
 */
export function samplerOf(name = DEFAULT, ratio?: string): Sampler | undefined {
  const given = ratio?.trim() ? Number(ratio) : 1;
  // An invalid ratio counts as 1. The SDK does the same, and logs it.
  const others = namedSampler(name.trim() || DEFAULT, given >= 0 && given <= 1 ? given : 1);
  return others && new LinkedSampler(others);
}

function namedSampler(name: string, ratio: number): Sampler | undefined {
  switch (name) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio);
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
    default:
      return undefined;
  }
}
