/** The request that a run came with, where there was one. */
export interface RunOrigin {
  /** Its `X-Request-Id`, the caller's or one that was made for it. */
  readonly requestId?: string | null | undefined;
  /** Its `traceparent`, version 00 of W3C Trace Context. */
  readonly traceparent?: string | null | undefined;
}

/** What every log line of a run says of its origin; `traceId` is what tracing tools look lines up by. */
export interface OriginFields {
  readonly requestId?: string | undefined;
  readonly traceId?: string | undefined;
}

export function originFields({ requestId, traceparent }: RunOrigin): OriginFields {
  return { requestId: requestId ?? undefined, traceId: traceparent?.slice(3, 35) };
}
