/** The request that a run came with, where there was one. */
export interface RunOrigin {
  /** Its `X-Request-Id`, the caller's or one that was made for it. */
  readonly requestId?: string | null | undefined;
  /** Its `traceparent`, version 00 of W3C Trace Context. */
  readonly traceparent?: string | null | undefined;
  /** Who sent it: the name of the API key, a colon, and what tells the key from an earlier one of that name. */
  readonly clientId?: string | null | undefined;
  /** The header that its API key came in, where it had one, in lower case. */
  readonly keyHeader?: string | undefined;
}

/** The name of a client. */
export function clientName(clientId: string): string {
  return clientId.slice(0, clientId.lastIndexOf(':'));
}

/** What every log line of a run says of its origin; `traceId` is what tracing tools look lines up by. */
export interface OriginFields {
  readonly requestId?: string | undefined;
  readonly traceId?: string | undefined;
}

export function originFields({ requestId, traceparent }: RunOrigin): OriginFields {
  return { requestId: requestId ?? undefined, traceId: traceIdOf(traceparent) };
}

/** @param traceparent version 00 of W3C Trace Context */
export function traceIdOf(traceparent: string | null | undefined): string | undefined {
  return traceparent?.slice(3, 35);
}
