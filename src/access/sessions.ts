import { randomUUID } from 'node:crypto';
// @ts-expect-error -- the version that Express brings has no types
import { parse } from 'cookie';
import type { Request, Response } from 'express';
import { linkTo } from '../http/links.js';
import type { Journal } from '../run/journal.js';
import type { Client, KeyRing } from './key-ring.js';
import { SignedClaims } from './signed-claims.js';
import { isOfForeignPage, requireOwnPage } from './web-pages.js';

/**
 * A working day: a session that begins in the morning lasts until the evening, and a browser that was left open is signed out by the next
 * morning.
 */
const LIFETIME_MS = 12 * 3_600_000;

/** The cookie's name without a prefix. */
export const COOKIE = 'frontrunner';

const parseCookies = parse as (header: string) => Readonly<Record<string, string | undefined>>;

/** The session's id, its client, and its end, in milliseconds since 1970. */
type Claims = readonly [id: string, clientId: string, until: number];

/** A browser that has signed in with a key, and has the cookie. */
export interface Session {
  readonly id: string;
  readonly client: Client;
  /** When it ends, in milliseconds since 1970. */
  readonly until: number;
}

/**
 * Sessions of browsers. The signed cookie contains the whole session. The journal has only sessions that were ended early. A session has
 * the rights that its client's key has at the moment, and ends with that key.
 */
export class Sessions {
  /** The keys with which a session can begin; undefined when callers need none. */
  keys: KeyRing | undefined;
  private readonly signed: SignedClaims<Claims>;

  constructor(private readonly journal: Pick<Journal, 'now' | 'tokens'>) {
    this.signed = new SignedClaims('session', journal.tokens);
  }

  /** Begins a session, and sets its cookie. @throws {DomainError} `journal-unavailable` */
  async begin(client: Client, request: Request, response: Response): Promise<Session> {
    const session = { id: randomUUID(), client, until: this.journal.now() + LIFETIME_MS };
    const { name, ...terms } = cookieFor(request);
    const token = await this.signed.write([session.id, client.id, session.until]);
    response.cookie(name, token, { ...terms, maxAge: LIFETIME_MS });
    return session;
  }

  /**
   * The session of a request. Requests from pages of other origins have none, whatever CORS_ORIGINS says.
   *
   * @throws {DomainError} `foreign-page` when such a page would change something; `journal-unavailable`
   */
  async of(request: Request): Promise<Session | undefined> {
    const { cookie } = request.headers;
    const token = this.keys && cookie?.includes(COOKIE) && parseCookies(cookie)[cookieFor(request).name];
    if (!token) return undefined;
    if (!/^(GET|HEAD|OPTIONS)$/.test(request.method)) requireOwnPage(request);
    else if (isOfForeignPage(request)) return undefined;
    const claims = await this.signed.read(token);
    return claims && this.sessionOf(...claims);
  }

  /** Ends the session of a request on all nodes, and deletes the browser's cookie. @throws {DomainError} as `of` does */
  async end(request: Request, response: Response): Promise<void> {
    const session = await this.of(request);
    if (session) await this.journal.tokens.withdraw(session.id, session.until);
    const { name, ...terms } = cookieFor(request);
    response.clearCookie(name, terms);
  }

  private async sessionOf(id: string, clientId: string, until: number): Promise<Session | undefined> {
    const client = this.keys?.clientOfId(clientId);
    if (!client || this.journal.now() >= until) return undefined;
    return (await this.journal.tokens.isWithdrawn(id, until)) ? undefined : { id, client, until };
  }
}

/** The name and attributes of the cookie, by the address under which the browser reaches the service. */
function cookieFor(request: Request) {
  const url = new URL(linkTo(request, ''), `${request.protocol}://localhost`);
  const secure = url.protocol === 'https:';
  const path = url.pathname;
  // With this prefix, browsers accept the cookie only from this host, and only over TLS.
  const prefix = secure ? (path === '/' ? '__Host-' : '__Secure-') : '';
  return { name: prefix + COOKIE, path, secure, httpOnly: true, sameSite: 'strict' } as const;
}
