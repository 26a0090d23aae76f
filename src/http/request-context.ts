import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { SpanContext } from '@opentelemetry/api';
import type { RequestHandler } from 'express';
import { newRunId } from '../core/run-id.js';
import { parseTraceparent } from './traceparent.js';

/** The caller of a request, and the ids that connect the request with the log. */
export interface RequestContext {
  /** The caller's `X-Request-Id`, or a new id. */
  readonly requestId: string;
  /** The caller's `traceparent` (W3C Trace Context); undefined without a valid one. Where traces are on, the `traceparent` of the request's span. */
  traceparent: string | undefined;
  /** The span of the request, where traces are on. */
  parent: SpanContext | undefined;
  /** The name of the API key, once it is checked; undefined for an anonymous caller. */
  client: string | undefined;
  /** The id of the client, which differs also from that of an earlier client with the same name. */
  clientId: string | undefined;
  /** The header of the key, in lower case. */
  keyHeader: string | undefined;
  /** The `clientId` of a caller whose key is only for the runs that it has started. */
  onlyClient: string | undefined;
}

const CONTEXT = Symbol('request context');

/** An acceptable request id: 1 to 200 visible ASCII characters, which can't forge a log line. */
export const REQUEST_ID = /^[!-~]{1,200}$/;

/** The context of a request, made when it is first needed. */
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
  // Ids in ascending order are the cheapest for the index of runs.
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
