import type { Dispatcher } from 'undici';
import { ResponseReader } from './response-reader.js';
import type { ReadingTerms, UpstreamResponse } from './upstream-response.js';
import type { Upstream } from './upstreams.js';

/**
 * One request and its response. Its connection is closed unless the response was read to its end. With `streams`, the response is there before
 * its body is, and `signal` ends that too.
 *
 * @param signal ends the exchange, whatever it waits for
 * @param anew whether it takes a connection that no other request has used
 * @throws {UnfitResponse} {@link StaleConnection} or what undici says of a connection
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
