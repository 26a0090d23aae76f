import type { Request } from 'express';
import { prefersStream } from '../http/negotiation.js';
import type { Journal } from '../run/journal.js';
import type { Client, KeyRing } from './key-ring.js';
import { SignedClaims } from './signed-claims.js';

/** How long a token may be used to open a stream, in milliseconds. */
const LIFETIME_MS = 5 * 60_000;

/** The paths of event streams. */
export const STREAM_PATH = /^\/(?:events|runs\/([^/?#]+)\/(events|stream))\/?$/i;

/** The token's client, the path of its stream, and its end, in milliseconds since 1970. */
type Claims = readonly [clientId: string, path: string, until: number];

/**
 * Tokens for one event stream each, for clients that can't set a header, such as browsers' `EventSource`. The tokens are not stored. A
 * token has the rights that its client's key has at the moment.
 */
export class StreamTokens {
  private readonly signed: SignedClaims<Claims>;

  constructor(private readonly journal: Pick<Journal, 'now' | 'tokens'>) {
    this.signed = new SignedClaims('stream', journal.tokens);
  }

  /** @throws {DomainError} `journal-unavailable` */
  async create(clientId: string, path: string): Promise<{ token: string; expiresAt: string }> {
    const until = this.journal.now() + LIFETIME_MS;
    const token = await this.signed.write([clientId, canonical(path), until]);
    return { token, expiresAt: new Date(until).toISOString() };
  }

  /** The client whose valid token a request for an event stream has; undefined otherwise. */
  async clientOf(request: Request, keys: KeyRing): Promise<Client | undefined> {
    const token = streamTokenOf(request);
    if (token === undefined || !/^(GET|HEAD)$/.test(request.method) || !STREAM_PATH.test(request.path))
      return undefined;
    const [clientId, path, until] = (await this.signed.read(token)) ?? [];
    if (path !== canonical(request.path) || this.journal.now() >= Number(until)) return undefined;
    const client = keys.clientOfId(String(clientId));
    return client && prefersStream(request) ? client : undefined;
  }
}

/** The token in the query of a request. */
export function streamTokenOf(request: Request): string | undefined {
  if (!request.url.includes('token=')) return undefined;
  const { token } = request.query;
  // Of several tokens, none counts.
  return token === undefined || typeof token === 'string' ? token : '';
}

/** A path in one spelling: the router ignores case and a trailing slash. */
function canonical(path: string): string {
  return path.toLowerCase().replace(/\/$/, '');
}
