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

/** How many origins keep connections. Beyond that, connections to the oldest are closed. */
const MOST_ORIGINS = 1_000;
/** Only the status matters. An excerpt of the body is enough. */
const UNREAD: ReadingTerms = { maxBytes: 0, accepts: () => false };
const NO_SECRETS = new Secrets([]);

/** The relevant parts of an answer. */
interface Answer {
  readonly status: number;
  /** Whether the status is 2xx. */
  readonly isDelivered: boolean;
  /** The beginning of its body. */
  readonly excerpt: string;
  /** How long `Retry-After` asks to wait, in milliseconds; 0 without one. */
  readonly retryAfterMs: number;
}

/** The connections to receivers. They have the guard, TLS and proxies of HTTP sub-tasks. */
export class Destinations {
  private readonly upstreams = new Map<string, Upstream>();
  /** The settings with which they were made. A reload brings new ones. */
  private origins: Upstreams | undefined;

  /** @param current the origins of the tasks files at the moment, with their settings */
  constructor(private readonly current: () => Upstreams) {}

  /**
   * Sends a request. Sends it once more if its connection had been closed unnoticed.
   *
   * @param mayBePrivate whether the address may be one that is not on the public internet
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
      // The addresses of the host are not told: a stranger may have named it.
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
