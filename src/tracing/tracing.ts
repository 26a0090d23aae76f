import type { Attributes, SpanContext } from '@opentelemetry/api';
import type { ReplyPolicy } from '../core/policies.js';
import type { RunOrigin } from '../core/run-origin.js';
import type { RunRecord } from '../core/run-record.js';
import { RunTrace, type TracedRun } from './run-trace.js';
import { isSampled, spanContextOf, traceparentOf } from './span-context.js';
import { Spans, type OpenTelemetry } from './spans.js';

/** The part of a run's terms that its span shows. */
export interface TracedTerms extends TracedRun {
  readonly replyPolicy: ReplyPolicy;
  readonly origin: RunOrigin;
  /** Undefined where traces are off. */
  readonly trace?: RunTrace | undefined;
}

/** Makes the spans of runs. A process without a registered tracer provider has no such object. */
export class Tracing {
  private constructor(readonly spans: Spans) {}

  /** Returns null where the API is not installed, or no tracer provider is registered. */
  static of(api: OpenTelemetry | undefined): Tracing | null {
    const tracer = api?.trace.getTracer('frontrunner');
    // Without a provider, the API returns its own tracer.
    return !api || !tracer || tracer instanceof api.ProxyTracer ? null : new Tracing(new Spans(api, tracer));
  }

  /** The origin of a run that begins now, by the active span; undefined without one. */
  get activeOrigin(): Pick<RunOrigin, 'traceparent' | 'parent'> | undefined {
    const parent = this.spans.api.trace.getActiveSpan()?.spanContext();
    return parent && { traceparent: traceparentOf(parent), parent };
  }

  /** The terms of a new run, with its span; without one where its request is not sampled. @param startMs in milliseconds since 1970 */
  accepted<T extends TracedTerms>(terms: T, startMs: number): T {
    const { spans } = this;
    const { requestId, parent, clientId } = terms.origin;
    const from = (parent as SpanContext | undefined) ?? recordedSpan(terms);
    if (from && !isSampled(from)) return terms;
    const span = spans.start(
      `run ${terms.task}`,
      { startTime: startMs, attributes: attributesOf(terms) },
      from && spans.belowIds(from),
    );
    const ids = span.spanContext();
    const trace = new RunTrace(spans, terms, { ids, span, parent: spans.below(span) });
    return { ...terms, origin: { requestId, traceparent: traceparentOf(ids), clientId }, trace };
  }

  /**
   * The terms of a run that another process began. Until its reply it has a span again, in a trace of its own, with a link to the one
   * before. A run that was not sampled is not traced now either.
   */
  resumed<T extends TracedTerms>(terms: T, record: Readonly<RunRecord>, startMs: number): T {
    const { spans } = this;
    const before = recordedSpan(terms);
    if (before && !isSampled(before)) return terms;
    if (record.decision) return { ...terms, trace: new RunTrace(spans, terms, { ids: before, record }) };
    const span = spans.start(`run ${terms.task}`, {
      startTime: startMs,
      attributes: { ...attributesOf(terms), 'frontrunner.resumed': true },
      links: before ? [{ context: before }] : [],
    });
    const own = { ids: span.spanContext(), span, parent: spans.below(span), record };
    return { ...terms, trace: new RunTrace(spans, terms, own) };
  }

  /** The terms of another node’s run, of which this one executes a sub-task. */
  ofGuest<T extends TracedTerms>(terms: T, record: Readonly<RunRecord>): T {
    const { spans } = this;
    const ids = recordedSpan(terms);
    if (!ids || !isSampled(ids)) return terms;
    const parent = record.decision ? undefined : spans.belowIds(ids);
    return { ...terms, trace: new RunTrace(spans, terms, { ids, parent, record }) };
  }
}

function recordedSpan({ origin: { traceparent } }: TracedTerms): SpanContext | undefined {
  return typeof traceparent === 'string' ? spanContextOf(traceparent) : undefined;
}

function attributesOf({ id, task, replyPolicy }: TracedTerms): Attributes {
  return {
    'frontrunner.run.id': id,
    'frontrunner.task': task,
    'frontrunner.reply.policy': replyPolicy.policy,
  };
}
