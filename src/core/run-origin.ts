/** The request that started a run, where a request did. */
export interface RunOrigin {
  /** The `X-Request-Id` of the request: the caller's, or one that the service made. */
  readonly requestId?: string | null | undefined;
  /** The request's `traceparent`, version 00 of W3C Trace Context. Where traces are on: of the request's span, later of the run’s span. */
  readonly traceparent?: string | null | undefined;
  /** Who sent the request: the name of the API key, a colon, and a text that tells the key from an earlier key of that name. */
  readonly clientId?: string | null | undefined;
  /**
   * OpenTelemetry’s `SpanContext` of the request's span, where traces are on. Not kept. The type is `object`, so that the library's types need
   * no package of OpenTelemetry.
   */
  readonly parent?: object | undefined;
  /** Name, in lower case, of the header that the API key came in. Undefined without a key. */
  readonly keyHeader?: string | undefined;
}

/** The name of a client. */
export function clientName(clientId: string): string {
  return clientId.slice(0, clientId.lastIndexOf(':'));
}

/**
 * Fields that every log line of a run or a request has. Tracing tools find lines by `trace_id` and `span_id`, the names of
 * OpenTelemetry: https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/
 */
export interface OriginFields {
  readonly task?: string | undefined;
  readonly requestId?: string | undefined;
  readonly trace_id?: string;
  /** The span of the caller. */
  readonly span_id?: string;
  readonly trace_flags?: string;
}

/** @param task the name of the run's task */
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
