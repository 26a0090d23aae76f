import type { Dispatcher } from 'undici';
import { ResponseReader } from './response-reader.js';
import type { ReadingTerms, UpstreamResponse } from './upstream-response.js';
import type { Upstream } from './upstreams.js';

/**
 * Sends one request and reads its response. Closes the connection unless the response was read to its end. With `streams`, the response
 * is returned before its body is complete, and `signal` ends the body too.
 *
 * @param signal ends the exchange at any time
 * @param anew whether to use a connection that no other request has used
 * @throws {UnfitResponse} {@link StaleConnection}, or errors of undici about a connection
 */
export function exchange(
  upstream: Upstream,
  request: Dispatcher.DispatchOptions,
  terms: ReadingTerms,
  signal: AbortSignal,
  anew = false,
): Promise<UpstreamResponse> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const reader = new ResponseReader(request.method, terms, signal, upstream.memory, resolve, reject);
    signal.addEventListener('abort', reader);
    try {
      upstream.dispatch(request, reader, anew);
    } catch (error) {
      reader.fail(error);
    }
  });
}
