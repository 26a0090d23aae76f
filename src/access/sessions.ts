import { randomUUID } from 'node:crypto';
// @ts-expect-error -- the version that Express brings has no types
import { parse } from 'cookie';
import type { Request, Response } from 'express';
import { linkTo } from '../http/links.js';
import type { Journal } from '../run/journal.js';
import type { Client, KeyRing } from './key-ring.js';
import { SignedClaims } from './signed-claims.js';
import { isOfForeignPage, requireOwnPage } from './web-pages.js';

/** A working day: who signs in in the morning stays in until the evening, and a browser that was left open is out by the next morning. */
const LIFETIME_MS = 12 * 3_600_000;

/** Without a prefix. */
export const COOKIE = 'frontrunner';

const parseCookies = parse as (header: string) => Readonly<Record<string, string | undefined>>;

/** Its id, whose it is, and until when it is good, in milliseconds since 1970. */
type Claims = readonly [id: string, clientId: string, until: number];

/** Of somebody who has shown a key, in a browser that has the cookie. */
export interface Session {
  readonly id: string;
  readonly client: Client;
  /** When it ends, in milliseconds since 1970. */
  readonly until: number;
}

/**
 * Sessions of browsers. The cookie has all of a session, signed; the journal has those that were ended early. A session is good for what
 * its client's key is good for at the moment, and ends with that key.
 */
export class Sessions {
  /** The keys that begin one; undefined where nobody needs any. */
  keys: KeyRing | undefined;
  private readonly signed: SignedClaims<Claims>;

  constructor(private readonly journal: Pick<Journal, 'now' | 'tokens'>) {
    this.signed = new SignedClaims('session', journal.tokens);
  }

  /** Gives the browser a session. @throws {DomainError} `journal-unavailable` */
  async begin(client: Client, request: Request, response: Response): Promise<Session> {
    const session = { id: randomUUID(), client, until: this.journal.now() + LIFETIME_MS };
    const { name, ...terms } = cookieFor(request);
    const token = await this.signed.write([session.id, client.id, session.until]);
    response.cookie(name, token, { ...terms, maxAge: LIFETIME_MS });
    return session;
  }

  /**
   * The session of a request. For what pages of other origins ask for there is none, whatever CORS_ORIGINS says.
   *
   * @throws {DomainError} `foreign-page` where such a page would change something; `journal-unavailable`
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

  /** Ends the session of a request, on all nodes, and takes it from the browser. @throws {DomainError} as `of` does */
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

/** What the cookie is called and bound to, by the address that the browser has for the service. */
function cookieFor(request: Request) {
  const url = new URL(linkTo(request, ''), `${request.protocol}://localhost`);
  const secure = url.protocol === 'https:';
  const path = url.pathname;
  // With such a name a browser takes it from no other host, and over TLS alone.
  const prefix = secure ? (path === '/' ? '__Host-' : '__Secure-') : '';
  return { name: prefix + COOKIE, path, secure, httpOnly: true, sameSite: 'strict' } as const;
}
