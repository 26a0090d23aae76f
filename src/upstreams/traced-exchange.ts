import type { AttemptTrace } from '../tracing/attempt-trace.js';
import type { UpstreamRequest } from './request-template.js';
import { UnfitResponse, type ReadingTerms, type UpstreamResponse } from './upstream-response.js';
import { abortOf, endOf, timedExchange } from './timed-exchange.js';
import type { Upstream } from './upstreams.js';

/** What an attempt's requests need for their spans. */
export interface TracedCalls {
  readonly trace: AttemptTrace;
  /** The path in the spans; undefined after a redirect, whose path may contain anything. */
  path: string | undefined;
  /** The headers, in lower case, that are the template’s own. */
  readonly named: ReadonlySet<string>;
}

/**
 * Sends one request and reads its response, with a span if the attempt has a trace. The span ends with the response's stream. For the
 * other parameters see {@link timedExchange}.
 */
export function tracedExchange(
  calls: TracedCalls | undefined,
  upstream: Upstream,
  request: UpstreamRequest,
  ...others: [terms: ReadingTerms, signal: AbortSignal, anew: boolean]
): Promise<UpstreamResponse> {
  return calls ? withSpan(calls, upstream, request, ...others) : timedExchange(upstream, request, ...others);
}

async function withSpan(
  { trace, path, named }: TracedCalls,
  upstream: Upstream,
  request: UpstreamRequest,
  ...others: [terms: ReadingTerms, signal: AbortSignal, anew: boolean]
): Promise<UpstreamResponse> {
  const [, signal] = others;
  const span = trace.call({ method: request.method, origin: upstream.origin, path });
  const headers = request.headers.slice();
  span.inject(headers, named);
  try {
    const response = await timedExchange(upstream, { ...request, headers }, ...others);
    const { status, stream } = response;
    if (stream) void stream.over.then((error) => span.streamed(status, endOf(error, signal)));
    else span.answered(status);
    return response;
  } catch (error) {
    if (error instanceof UnfitResponse) span.unfit(error.response.status);
    else span.failed(abortOf(signal) ?? (error as { readonly code?: unknown }).code);
    throw error;
  }
}
