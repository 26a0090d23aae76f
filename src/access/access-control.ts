import { isIP } from 'node:net';
import { BadRequestException, UnauthorizedException } from '@nestjs/common';
import { normalizeIp, ThrottlerException } from '@nestjs/throttler';
import { isBulkheadRejectedError } from 'cockatiel';
import type { Request, RequestHandler, Response } from 'express';
import { linkTo } from '../http/links.js';
import { prefersPage } from '../http/negotiation.js';
import { pathOf } from '../http/operations.js';
import { contextOf } from '../http/request-context.js';
import type { Access } from './access.js';
import { API_KEY_HEADER, bearerToken, type Presented } from './bearer-token.js';
import { challenge } from './challenge.js';
import type { Client, KeyRing } from './key-ring.js';
import { isOpenToAll, isPage, needsNoKey } from './open-paths.js';
import type { Sessions } from './sessions.js';
import { streamTokenOf, type StreamTokens } from './stream-tokens.js';

export const UNKNOWN_KEY = 'The API key is none that the service knows';

/** How long a caller should wait when too many keys wait for their scrypt check, in seconds. */
const RETRY_AFTER_S = 1;

const BAD_STREAM_TOKEN = {
  error: 'invalid_token',
  detail:
    'The stream token has expired, or is not for this: it opens the event stream it was made for, with Accept: text/event-stream; make a new one with POST /stream-tokens',
} as const;

/**
 * Refuses a request without a valid key, or beyond the rate limit, before any of its body is read. An unknown caller is counted by
 * address, whatever key it presents. So keys can't be guessed faster than the rate limit allows.
 */
export function accessControl(
  { keys, limit }: Pick<Access, 'keys' | 'limit'>,
  tokens: StreamTokens,
  sessions: Sessions,
): RequestHandler {
  /** The client of a request, if a fast check can find it. */
  function clientOf(request: Request, presented: Presented | undefined) {
    if (!keys || !presented) return undefined;
    if (presented.token !== undefined) return keys.find(presented.token);
    return presented.error === undefined ? clientWithoutKey(request, keys) : undefined;
  }

  async function clientWithoutKey(request: Request, keys: KeyRing): Promise<Client | undefined> {
    return (await tokens.clientOf(request, keys)) ?? (await sessions.of(request))?.client;
  }

  /** Whether the request may continue. If not, it has been answered. */
  async function admit(request: Request, response: Response): Promise<boolean> {
    const presented = keys && bearerToken(request);
    const client = await clientOf(request, presented);
    limit?.count(client ? `key ${client.name}` : `address ${addressOf(request)}`, response);
    if (!keys || !presented) return true;
    if (!client && presented.token === undefined && presented.error === undefined) {
      if (needsNoKey(request.path)) return true;
      if (leadToSignIn(request, response)) return false;
    }
    const { name, id } = client ?? (await clientBySlowKey(keys, presented, request, response));
    const context = contextOf(request);
    context.client = name;
    context.clientId = id;
    if (presented.token !== undefined)
      context.keyHeader = request.headers.authorization === undefined ? API_KEY_HEADER : 'authorization';
    return true;
  }
  return async (request, response, next) => {
    if (isOpenToAll(request.path) || (await admit(request, response))) next();
  };
}

/** Redirects a browser that asks for a page to the sign-in page. */
function leadToSignIn(request: Request, response: Response): boolean {
  if (!isPage(request.path) || !prefersPage(request)) return false;
  const path = pathOf(request) + (/\?[^#]*/.exec(request.originalUrl)?.[0] ?? '');
  const next = path === '/' ? '' : `?next=${encodeURIComponent(path)}`;
  response.redirect(303, linkTo(request, `/sign-in${next}`));
  return true;
}

/**
 * The network of a caller, because a caller with an IPv6 address has 2^64 of them. Behind trusted proxies, it is the address from which
 * the outermost proxy was called. Some proxies add a port to it.
 */
function addressOf(request: Request): string {
  const own = request.socket.remoteAddress ?? '';
  if (request.headers['x-forwarded-for'] === undefined) return normalizeIp(own);
  const told = request.ip?.replace(/^(\d[\d.]*|\[.*\]):\d+$/, '$1').replaceAll(/[[\]]/g, '') ?? '';
  return normalizeIp(isIP(told) === 0 ? own : told);
}

/** The name under which the rate limit counts an admitted request. */
export function callerOf(request: Request): string {
  const { client } = contextOf(request);
  return client === undefined ? `address ${addressOf(request)}` : `key ${client}`;
}

/** @throws {HttpException} 401; 400 for an invalid request as RFC 6750 defines it; 429 when too many keys wait for their check */
async function clientBySlowKey(
  keys: KeyRing,
  presented: Presented,
  request: Request,
  response: Response,
): Promise<Client> {
  if (presented.token === undefined)
    throw refusal(
      presented.error || streamTokenOf(request) === undefined ? presented : BAD_STREAM_TOKEN,
      response,
    );
  const client = await slowClient(keys, presented.token, response);
  if (client) return client;
  throw unknownKey(response);
}

/** The owner of a key, found by scrypt; undefined when nobody owns it. @throws {ThrottlerException} when too many keys wait for this */
export async function slowClient(
  keys: KeyRing,
  key: string,
  response: Response,
): Promise<Client | undefined> {
  try {
    return await keys.findSlowly(key);
  } catch (error) {
    if (!isBulkheadRejectedError(error)) throw error;
    response.setHeader('Retry-After', RETRY_AFTER_S);
    throw new ThrottlerException('More unknown keys wait to be checked than the service takes');
  }
}

export function unknownKey(response: Response): UnauthorizedException | BadRequestException {
  return refusal({ error: 'invalid_token', detail: UNKNOWN_KEY }, response);
}

function refusal(
  { error, detail }: Extract<Presented, { token?: undefined }>,
  response: Response,
): UnauthorizedException | BadRequestException {
  response.setHeader('WWW-Authenticate', challenge(error));
  return error === 'invalid_request' ? new BadRequestException(detail) : new UnauthorizedException(detail);
}
