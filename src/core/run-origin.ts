/** The request that a run came with, where there was one. */
export interface RunOrigin {
  /** Its `X-Request-Id`, the caller's or one that was made for it. */
  readonly requestId?: string | null | undefined;
  /** Its `traceparent`, version 00 of W3C Trace Context; where traces are on, that of its span, and then that of the run’s span. */
  readonly traceparent?: string | null | undefined;
  /** Who sent it: the name of the API key, a colon, and what tells the key from an earlier one of that name. */
  readonly clientId?: string | null | undefined;
  /** OpenTelemetry’s `SpanContext` of its span, where traces are on. Not kept. The types of the library are to need no package of OpenTelemetry. */
  readonly parent?: object | undefined;
  /** The header that its API key came in, where it had one, in lower case. */
  readonly keyHeader?: string | undefined;
}

/** The name of a client. */
export function clientName(clientId: string): string {
  return clientId.slice(0, clientId.lastIndexOf(':'));
}

/**
 * What every log line of a run, or of a request, says of it. Tracing tools look lines up by `trace_id` and `span_id`, as
 * OpenTelemetry names them: https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/
 */
export interface OriginFields {
  readonly task?: string | undefined;
  readonly requestId?: string | undefined;
  readonly trace_id?: string;
  /** The span of the caller. */
  readonly span_id?: string;
  readonly trace_flags?: string;
}

/** @param task of the run */
export function originFields({ requestId, traceparent }: RunOrigin, task?: string): OriginFields {
  const about = { task, requestId: requestId ?? undefined };
  if (typeof traceparent !== 'string') return about;
  return {
    ...about,
    trace_id: traceIdOf(traceparent),
    span_id: traceparent.slice(36, 52),
    trace_flags: traceparent.slice(53),
  };
}

/** @param traceparent version 00 of W3C Trace Context */
export function traceIdOf(traceparent: string): string;
export function traceIdOf(traceparent: string | null | undefined): string | undefined;
export function traceIdOf(traceparent: string | null | undefined): string | undefined {
  return traceparent?.slice(3, 35);
}
