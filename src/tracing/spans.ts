import type * as api from '@opentelemetry/api';
import type { Context, Span, SpanContext, SpanOptions, Tracer } from '@opentelemetry/api';

export type OpenTelemetry = typeof api;

/** Starts spans. They have what they are given, and nothing of what happens to be active. */
export class Spans {
  constructor(
    readonly api: OpenTelemetry,
    private readonly tracer: Tracer,
  ) {}

  /** @param parent default: none, so that it is the root of a trace */
  start(name: string, options: SpanOptions, parent: Context = this.api.ROOT_CONTEXT): Span {
    return this.tracer.startSpan(name, options, parent);
  }

  /** What has children of a span. */
  below(span: Span): Context {
    return this.api.trace.setSpan(this.api.ROOT_CONTEXT, span);
  }

  /** The same of a span that is known by its ids alone. */
  belowIds(ids: SpanContext): Context {
    return this.api.trace.setSpanContext(this.api.ROOT_CONTEXT, ids);
  }
}
