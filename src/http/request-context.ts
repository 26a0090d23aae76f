import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { SpanContext } from '@opentelemetry/api';
import type { RequestHandler } from 'express';
import { newRunId } from '../core/run-id.js';
import { parseTraceparent } from './traceparent.js';

/** Who sent a request, and what ties it to the log. */
export interface RequestContext {
  /** The caller's `X-Request-Id`, or one that was made for it. */
  readonly requestId: string;
  /** The caller's `traceparent` (W3C Trace Context); undefined when there was none, or none that is valid. Where traces are on, that of its span. */
  traceparent: string | undefined;
  /** Its span, where traces are on. */
  parent: SpanContext | undefined;
  /** The name of the API key that it came with, once that is known; undefined for an anonymous caller. */
  client: string | undefined;
  /** What tells the client from others, also from an earlier one of the same name. */
  clientId: string | undefined;
  /** The header that the key came in, in lower case. */
  keyHeader: string | undefined;
  /** The `clientId` of a caller whose key is good for the runs alone that it has started. */
  onlyClient: string | undefined;
}

const CONTEXT = Symbol('request context');

/** What is taken for a request id: 1 to 200 visible ASCII characters, which no log line can be forged with. */
export const REQUEST_ID = /^[!-~]{1,200}$/;

/** The one context of a request, made when it is first asked for. */
export function contextOf(
  request: IncomingMessage & { [CONTEXT]?: RequestContext | undefined },
): RequestContext {
  return (request[CONTEXT] ??= readContext(request.headers));
}

/** Answers every request with its id. */
export const answerWithRequestId: RequestHandler = (request, response, next) => {
  response.setHeader('X-Request-Id', contextOf(request).requestId);
  next();
};

function readContext(headers: IncomingHttpHeaders): RequestContext {
  const { 'x-request-id': given, traceparent } = headers;
  // Ids that follow each other cost an index of runs the least.
  const requestId = typeof given === 'string' && REQUEST_ID.test(given) ? given : newRunId();
  return {
    requestId,
    traceparent: typeof traceparent === 'string' ? parseTraceparent(traceparent) : undefined,
    parent: undefined,
    client: undefined,
    clientId: undefined,
    keyHeader: undefined,
    onlyClient: undefined,
  };
}
