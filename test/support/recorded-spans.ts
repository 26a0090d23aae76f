import { context, propagation, trace, type Attributes, type SpanContext } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { TracerProvider, type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace';

/** The spans of a process in which traces are on, as they end. */
export class RecordedSpans implements SpanProcessor {
  readonly ended: ReadableSpan[] = [];
  private readonly waiting = new Set<() => void>();

  /** Turns traces on, for what starts from now on. */
  static register(): RecordedSpans {
    const spans = new RecordedSpans();
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [spans] }));
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    context.setGlobalContextManager(new AsyncLocalStorageContextManager());
    return spans;
  }

  unregister(): void {
    trace.disable();
    propagation.disable();
    context.disable();
  }

  /** The first span that `fits`, as soon as it has ended. */
  when(fits: (span: ReadableSpan) => boolean): Promise<ReadableSpan> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = this.ended.find(fits);
        if (!found) return;
        this.waiting.delete(check);
        resolve(found);
      };
      this.waiting.add(check);
      check();
    });
  }

  /** That of a name which has these attributes. */
  span(name: string, attributes: Attributes): Promise<ReadableSpan> {
    return this.when((span) => span.name === name && has(span, attributes));
  }

  onStart(): void {
    // What counts is how it ends.
  }

  onEnd(span: ReadableSpan): void {
    this.ended.push(span);
    for (const check of [...this.waiting]) check();
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** Whether a span has attributes. */
export function has({ attributes }: ReadableSpan, wanted: Attributes): boolean {
  return Object.entries(wanted).every(([key, value]) => attributes[key] === value);
}

/** The id of the span that a `traceparent` names, or of one that is there. */
export function spanId(of: string | ReadableSpan | SpanContext): string {
  if (typeof of === 'string') return of.slice(36, 52);
  return 'spanContext' in of ? of.spanContext().spanId : of.spanId;
}

/** When a span begins or ends, in milliseconds since 1970. */
export function ms([seconds, nanoseconds]: ReadableSpan['startTime']): number {
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** The ids of the spans that a span has links to. */
export function linked({ links }: ReadableSpan): string[] {
  return links.map((link) => link.context.spanId);
}
