import type { ServerResponse } from 'node:http';
import type { Context, Span } from '@opentelemetry/api';
import type { Request, RequestHandler } from 'express';
import { traceparentOf } from '../tracing/span-context.js';
import type { Spans } from '../tracing/spans.js';
import { isKnownMethod } from './known-method.js';
import { pathOf, type Operations } from './operations.js';
import { contextOf } from './request-context.js';

/**
 * Gives each request a server span, which continues the trace of the caller and ends with the answer. If an outer application has already
 * started a span, the request uses that span.
 */
export function serverSpans(spans: Spans, operations: Operations): RequestHandler {
  const { trace, SpanKind, SpanStatusCode } = spans.api;
  const fields = spans.api.propagation.fields();

  return (request, response, next) => {
    const context = contextOf(request);
    const active = trace.getActiveSpan();
    const span = active ?? startSpan(request);
    context.parent = span.spanContext();
    context.traceparent = traceparentOf(context.parent);
    if (!active && span.isRecording()) endWithAnswer(span, request, response);
    next();
  };

  function startSpan(request: Request): Span {
    const { method } = request;
    const attributes = {
      'http.request.method': isKnownMethod(method) ? method : '_OTHER',
      // Without the query, which may contain a token.
      'url.path': request.baseUrl + pathOf(request),
    };
    return spans.start(nameOf(method), { kind: SpanKind.SERVER, attributes }, callerOf(request));
  }

  /** The span of the caller, without the caller's baggage. */
  function callerOf({ headers }: Request): Context | undefined {
    const told = fields.some((name) => headers[name] !== undefined);
    const caller = told ? spans.extract(headers) : undefined;
    if (caller) return spans.belowIds(caller);
    // The header belongs to a trace that nobody continues.
    if (headers.tracestate !== undefined) delete headers.tracestate;
    return undefined;
  }

  function endWithAnswer(span: Span, request: Request, response: ServerResponse): void {
    const { method, originalUrl, baseUrl, headers } = request;
    span.setAttribute('url.scheme', request.protocol);
    response.once('close', () => {
      const path = operations.routeOf({ originalUrl, baseUrl });
      if (path !== undefined) {
        const route = baseUrl + path;
        span.updateName(`${nameOf(method)} ${route}`).setAttribute('http.route', route);
      }
      if (headers['user-agent'] !== undefined)
        span.setAttribute('user_agent.original', headers['user-agent']);
      if (response.headersSent) span.setAttribute('http.response.status_code', response.statusCode);
      const type = errorType(response);
      if (type !== undefined) span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR });
      spans.end(span);
    });
  }
}

function nameOf(method: string): string {
  return isKnownMethod(method) ? method : 'HTTP';
}

/** A caller's mistake, such as a bad request, is no error of the service. */
function errorType({ headersSent, statusCode }: ServerResponse): string | undefined {
  if (!headersSent) return 'aborted';
  return statusCode >= 500 ? String(statusCode) : undefined;
}
