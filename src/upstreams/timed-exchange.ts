import type { UpstreamCall } from '../core/measures.js';
import { textOf } from '../core/thrown.js';
import { exchange } from './exchange.js';
import { UnfitResponse, type UpstreamResponse } from './upstream-response.js';

/** {@link exchange}, which also reports how long it took, including its stream, if anybody listens. */
export function timedExchange(...terms: Parameters<typeof exchange>): Promise<UpstreamResponse> {
  const [{ origin, measures }, { method }, , signal] = terms;
  if (!measures.isHeard) return exchange(...terms);
  const beganAt = performance.now();
  const tell = (outcome: Pick<UpstreamCall, 'status' | 'error'>): void => {
    const call = { method, origin, tookMs: performance.now() - beganAt, ...outcome };
    for (const hearer of measures.hearers) hearer.called(call);
  };
  return exchange(...terms).then(
    (response) => {
      const { status, stream } = response;
      if (stream) void stream.over.then((error) => tell({ status, error: endOf(error, signal) }));
      else tell({ status, error: undefined });
      return response;
    },
    (error: unknown) => {
      if (error instanceof UnfitResponse) tell({ status: error.response.status, error: 'upstream-unfit' });
      else tell({ status: undefined, error: abortOf(signal) ?? 'upstream-unreachable' });
      throw error;
    },
  );
}

/** Why an accepted stream ended early; undefined if it reached its end. @param error see `StreamedBody.over` */
export function endOf(error: unknown, signal: AbortSignal): string | undefined {
  if (error === undefined) return undefined;
  return error instanceof UnfitResponse ? 'upstream-unfit' : (abortOf(signal) ?? 'upstream-unreachable');
}

/** Why an aborted request was ended; undefined if it wasn't aborted. */
export function abortOf({ aborted, reason }: AbortSignal): 'cancelled' | 'timeout' | undefined {
  if (!aborted) return undefined;
  const { name } = Object(reason) as { readonly name?: unknown };
  return name === 'TimeoutError' ? 'timeout' : 'cancelled';
}

/** Why there is no response. If several addresses of a host failed without a common message, their messages are joined. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof AggregateError)) return textOf(error);
  return error.message || error.errors.map(textOf).join(', ');
}
