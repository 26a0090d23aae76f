import { randomUUID } from 'node:crypto';
import type * as api from '@opentelemetry/api';
import type {
  Context,
  Span,
  SpanContext,
  SpanOptions,
  TextMapSetter,
  TimeInput,
  Tracer,
} from '@opentelemetry/api';
import { textOf } from '../core/thrown.js';

export type OpenTelemetry = typeof api;

/**
 * Starts and ends spans. They have what they are given, and nothing of what happens to be active. What processors, samplers and propagators
 * of others throw goes to the log of OpenTelemetry, and no further.
 */
export class Spans {
  constructor(
    readonly api: OpenTelemetry,
    private readonly tracer: Tracer,
  ) {}

  /** @param parent default: none, so that it is the root of a trace */
  start(name: string, options: SpanOptions, parent: Context = this.api.ROOT_CONTEXT): Span {
    try {
      return this.tracer.startSpan(name, options, parent);
    } catch (error) {
      this.report(error);
      const [traceId, spanId] = [randomUUID().replaceAll('-', ''), randomUUID().slice(19).replace('-', '')];
      return this.api.trace.wrapSpanContext({ traceId, spanId, traceFlags: this.api.TraceFlags.NONE });
    }
  }

  end(span: Span, time?: TimeInput): void {
    try {
      span.end(time);
    } catch (error) {
      this.report(error);
    }
  }

  /** The context for children of a span. */
  below(span: Span): Context {
    return this.api.trace.setSpan(this.api.ROOT_CONTEXT, span);
  }

  /** As {@link below}, for a span of which only the ids are known. */
  belowIds(ids: SpanContext): Context {
    return this.api.trace.setSpanContext(this.api.ROOT_CONTEXT, ids);
  }

  /** The span that headers name. */
  extract(headers: object): SpanContext | undefined {
    try {
      return this.api.trace.getSpanContext(this.api.propagation.extract(this.api.ROOT_CONTEXT, headers));
    } catch (error) {
      this.report(error);
      return undefined;
    }
  }

  /** Writes the ids of a span into a carrier. */
  inject<Carrier>(span: Span, carrier: Carrier, setter: TextMapSetter<Carrier>): void {
    try {
      this.api.propagation.inject(this.below(span), carrier, setter);
    } catch (error) {
      this.report(error);
    }
  }

  private report(error: unknown): void {
    this.api.diag.error(`A span failed: ${textOf(error)}`);
  }
}
