import { ForbiddenAddress } from '../upstreams/address-guard.js';
import { StaleConnection } from '../upstreams/connection.js';
import { excerptOf } from '../upstreams/excerpt.js';
import type { UpstreamRequest } from '../upstreams/request-template.js';
import { exchange } from '../upstreams/exchange.js';
import type { ReadingTerms, UpstreamResponse } from '../upstreams/upstream-response.js';
import { retryAfterMs } from '../upstreams/retry-after.js';
import { Secrets } from '../upstreams/secrets.js';
import { reasonOf } from '../upstreams/timed-exchange.js';
import type { Upstream, Upstreams } from '../upstreams/upstreams.js';
import { UnsentError } from './message.js';

/** How many origins keep connections; those of the oldest are closed. */
const MOST_ORIGINS = 1_000;
/** The status is what counts. Of a body an excerpt is enough. */
const UNREAD: ReadingTerms = { maxBytes: 0, accepts: () => false };
const NO_SECRETS = new Secrets([]);

/** What counts of an answer. */
interface Answer {
  readonly status: number;
  /** 2xx alone. */
  readonly isDelivered: boolean;
  /** The beginning of its body. */
  readonly excerpt: string;
  /** How long `Retry-After` asks to wait; 0 without one. */
  readonly retryAfterMs: number;
}

/** The connections to receivers: those of HTTP sub-tasks, with their guard, TLS and proxies. */
export class Destinations {
  private readonly upstreams = new Map<string, Upstream>();
  /** What they were made of. A reload brings another one. */
  private origins: Upstreams | undefined;

  /** @param current the origins of tasks files, with what these say of them */
  constructor(private readonly current: () => Upstreams) {}

  /**
   * Sends a request, once more where its connection had been closed unseen.
   *
   * @param mayBePrivate whether its address may be one that is not on the public internet
   * @throws {UnsentError} and the reason of `signal`
   */
  async send(
    url: string,
    mayBePrivate: boolean,
    request: UpstreamRequest,
    signal: AbortSignal,
  ): Promise<Answer> {
    const upstream = this.of(new URL(url).origin, mayBePrivate);
    try {
      return answerOf(await exchangeAnew(upstream, request, signal));
    } catch (error) {
      signal.throwIfAborted();
      // The addresses that its host has stay untold: who has named it may be a stranger.
      if (error instanceof ForbiddenAddress)
        throw new UnsentError(
          'forbidden-address',
          'Its host is not on the public internet; WEBHOOK_ORIGINS may name its origin',
        );
      throw new UnsentError('unreachable', reasonOf(error));
    }
  }

  private of(origin: string, mayBePrivate: boolean): Upstream {
    const current = this.current();
    if (this.origins !== current) {
      for (const upstream of this.upstreams.values()) upstream.release();
      this.upstreams.clear();
      this.origins = current;
    }
    const key = `${mayBePrivate ? 'any' : 'public'} ${origin}`;
    let upstream = this.upstreams.get(key);
    if (upstream) return upstream;
    if (this.upstreams.size >= MOST_ORIGINS) this.releaseOldest();
    this.upstreams.set(key, (upstream = current.undeclared(origin, mayBePrivate)));
    return upstream;
  }

  private releaseOldest(): void {
    for (const [key, upstream] of this.upstreams) {
      this.upstreams.delete(key);
      upstream.release();
      return;
    }
  }
}

async function exchangeAnew(
  upstream: Upstream,
  request: UpstreamRequest,
  signal: AbortSignal,
): Promise<UpstreamResponse> {
  try {
    return await exchange(upstream, request, UNREAD, signal);
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error;
    return exchange(upstream, request, UNREAD, signal, true);
  }
}

function answerOf({ status, body, headers }: UpstreamResponse): Answer {
  const isDelivered = status >= 200 && status < 300;
  return {
    ...{ status, isDelivered },
    excerpt: isDelivered ? '' : excerptOf(body, headers['content-type'], NO_SECRETS),
    retryAfterMs: isDelivered ? 0 : (retryAfterMs(headers['retry-after'], Date.now()) ?? 0),
  };
}
