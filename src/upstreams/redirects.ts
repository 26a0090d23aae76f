import { UnfollowedRedirect } from './response-outcome.js';
import type { UpstreamRequest } from './request-template.js';
import type { UpstreamResponse } from './upstream-response.js';
import type { Upstream } from './upstreams.js';

/** Most redirects that one request follows. */
export const MAX_REDIRECTS = 5;

/** A request and its upstream. */
export interface Hop {
  readonly upstream: Upstream;
  readonly request: UpstreamRequest;
}

/**
 * Whether a status is a redirect to follow with this method. For a POST, 301 and 302 don't define whether the method changes, so they
 * aren't followed.
 */
export function isRedirect(status: number, method: string): boolean {
  if (status === 303 || status === 307 || status === 308) return true;
  return (status === 301 || status === 302) && (method === 'GET' || method === 'HEAD');
}

/** Where requests of a sub-task may be redirected, and which parts only the first origin may get. */
export interface RedirectTerms {
  readonly origins: ReadonlyMap<string, Upstream>;
  /** Names in lower case. */
  readonly privateHeaders: ReadonlySet<string>;
  readonly hasPrivateBody: boolean;
}

/**
 * The request that a redirect leads to.
 *
 * @throws {UnfollowedRedirect}
 */
export function redirected(
  { upstream, request }: Hop,
  { status, headers }: UpstreamResponse,
  { origins, privateHeaders, hasPrivateBody }: RedirectTerms,
): Hop {
  const { location } = headers;
  if (typeof location !== 'string') throw new UnfollowedRedirect('without one Location', 'upstream-status');
  const url = URL.parse(location, upstream.origin + request.path);
  if (!url) throw new UnfollowedRedirect('to what is no URL', 'upstream-status');
  const target = origins.get(url.origin);
  if (!target)
    throw new UnfollowedRedirect(
      `to ${url.origin}, which is none of its origins; redirects: [${url.origin}] makes it one`,
      'upstream-forbidden',
    );
  if (upstream.origin.startsWith('https:') && url.protocol !== 'https:')
    throw new UnfollowedRedirect(`from https to ${url.origin}`, 'upstream-forbidden');
  const toGet = status === 303 && request.method !== 'HEAD';
  if (target !== upstream && !toGet && hasPrivateBody)
    throw new UnfollowedRedirect(
      `to ${url.origin}, which must not get the environment variables of its body`,
      'upstream-forbidden',
    );
  const dropped = (name: string) =>
    (target !== upstream && privateHeaders.has(name)) ||
    (toGet && (name === 'content-type' || name === 'idempotency-key'));
  return {
    upstream: target,
    request: {
      method: toGet ? 'GET' : request.method,
      path: url.pathname + url.search,
      headers: without(request.headers, dropped),
      body: toGet ? null : request.body,
    },
  };
}

function without(headers: readonly string[], dropped: (name: string) => boolean): string[] {
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const [name = '', value = ''] = headers.slice(index, index + 2);
    if (!dropped(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}
