import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import { prefersStream } from '../http/negotiation.js';
import type { Client, KeyRing } from './key-ring.js';

/** How long a token may be used to open a stream, in milliseconds. */
const LIFETIME_MS = 5 * 60_000;

/** The paths that have streams. */
export const STREAM_PATH = /^\/(?:events|runs\/([^/?#]+)\/events)\/?$/i;

/** What tokens need of the journal: see there. */
interface Keeper {
  tokenSecret(): Promise<string>;
  now(): number;
}

/** Whose token it is, the path of the stream, and until when it is good, in milliseconds since 1970. */
type Claims = readonly [clientId: string, path: string, until: number];

/**
 * Tokens for one event stream, for those who can't send a header, as browsers' `EventSource`. Nothing is kept of them: they are signed
 * with a secret that all nodes have. A token is good for what its client's key is good for at the moment.
 */
export class StreamTokens {
  private secret: Promise<string> | undefined;

  constructor(private readonly journal: Keeper) {}

  /** @throws {DomainError} `journal-unavailable` */
  async create(clientId: string, path: string): Promise<{ token: string; expiresAt: string }> {
    const until = this.journal.now() + LIFETIME_MS;
    const claims: Claims = [clientId, canonical(path), until];
    const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
    const token = `${text}.${(await this.sign(text)).toString('base64url')}`;
    return { token, expiresAt: new Date(until).toISOString() };
  }

  /** The caller whose token an event stream is asked for with; undefined where it is none that is good for it. */
  async clientOf(request: Request, keys: KeyRing): Promise<Client | undefined> {
    const token = streamTokenOf(request);
    if (token === undefined || !/^(GET|HEAD)$/.test(request.method) || !STREAM_PATH.test(request.path))
      return undefined;
    const [clientId, path, until] = (await this.read(token)) ?? [];
    if (path !== canonical(request.path) || this.journal.now() >= Number(until)) return undefined;
    const client = keys.client(String(clientId).split(':', 1)[0] ?? '');
    return client?.id === clientId && prefersStream(request) ? client : undefined;
  }

  private async read(token: string): Promise<Claims | undefined> {
    const [text = '', signature = ''] = token.split('.');
    const [given, expected] = [Buffer.from(signature, 'base64url'), await this.sign(text)];
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return JSON.parse(Buffer.from(text, 'base64url').toString()) as Claims;
  }

  private async sign(text: string): Promise<Buffer> {
    this.secret ??= this.journal.tokenSecret();
    try {
      return createHmac('sha256', await this.secret)
        .update(text)
        .digest();
    } catch (error) {
      this.secret = undefined;
      throw error;
    }
  }
}

/** The token in the query of a request. */
export function streamTokenOf(request: Request): string | undefined {
  if (!request.url.includes('token=')) return undefined;
  const { token } = request.query;
  // Of several, none counts.
  return token === undefined || typeof token === 'string' ? token : '';
}

/** As the router takes it, whatever the case and the last slash. */
function canonical(path: string): string {
  return path.toLowerCase().replace(/\/$/, '');
}
