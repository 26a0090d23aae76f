import type { SpanContext } from '@opentelemetry/api';

/** The `traceparent` of a span, version 00. */
export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-0${traceFlags & 1}`;
}

/** The span that a valid `traceparent` of version 00 names. */
export function spanContextOf(traceparent: string): SpanContext {
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    traceFlags: Number.parseInt(traceparent.slice(53), 16),
    isRemote: true,
  };
}

export function isSampled({ traceFlags }: SpanContext): boolean {
  return (traceFlags & 1) === 1;
}
