import { isIP } from 'node:net';
import { BadRequestException, UnauthorizedException } from '@nestjs/common';
import { normalizeIp, ThrottlerException } from '@nestjs/throttler';
import { isBulkheadRejectedError } from 'cockatiel';
import type { Request, RequestHandler, Response } from 'express';
import { contextOf } from '../http/request-context.js';
import type { Access } from './access.js';
import { API_KEY_HEADER, bearerToken, type Presented } from './bearer-token.js';
import { challenge } from './challenge.js';
import type { Client, KeyRing } from './key-ring.js';
import { streamTokenOf, type StreamTokens } from './stream-tokens.js';

/** How long a caller should wait when too many keys wait for their scrypt check, in seconds. */
const RETRY_AFTER_S = 1;

const BAD_STREAM_TOKEN = {
  error: 'invalid_token',
  detail:
    'The stream token has expired, or is not for this: it opens the event stream it was made for, with Accept: text/event-stream; make a new one with POST /stream-tokens',
} as const;

/** What orchestrators and load balancers ask for, and what nothing of a caller's is in. */
export function isOpenToAll(path: string): boolean {
  return /^\/health\//i.test(path);
}

/**
 * Refuses a request whose caller has no good key, or has no request left, before any of its body is read. An unknown
 * caller counts by its address, whatever it presents: keys can't be tried out faster than the rate limit allows.
 */
export function accessControl(
  { keys, limit }: Pick<Access, 'keys' | 'limit'>,
  tokens: StreamTokens,
): RequestHandler {
  /** As far as it can be told at once. */
  function clientOf(request: Request, presented: Presented | undefined) {
    if (!keys || !presented) return undefined;
    if (presented.token !== undefined) return keys.find(presented.token);
    return presented.error === undefined ? tokens.clientOf(request, keys) : undefined;
  }

  async function admit(request: Request, response: Response): Promise<void> {
    const presented = keys && bearerToken(request);
    const client = await clientOf(request, presented);
    limit?.count(client ? `key ${client.name}` : `address ${addressOf(request)}`, response);
    if (!keys || !presented) return;
    const { name, id } = client ?? (await clientBySlowKey(keys, presented, request, response));
    const context = contextOf(request);
    context.client = name;
    context.clientId = id;
    context.keyHeader = request.headers.authorization === undefined ? API_KEY_HEADER : 'authorization';
  }
  return async (request, response, next) => {
    if (!isOpenToAll(request.path)) await admit(request, response);
    next();
  };
}

/**
 * The network that a caller is in: one who has an IPv6 address has 2^64 of them. Behind trusted proxies it is the address that the
 * outermost of them was called from, to which some add a port.
 */
function addressOf(request: Request): string {
  const own = request.socket.remoteAddress ?? '';
  if (request.headers['x-forwarded-for'] === undefined) return normalizeIp(own);
  const told = request.ip?.replace(/^(\d[\d.]*|\[.*\]):\d+$/, '$1').replaceAll(/[[\]]/g, '') ?? '';
  return normalizeIp(isIP(told) === 0 ? own : told);
}

/** Who a request that was admitted counts as for the rate limit. */
export function callerOf(request: Request): string {
  const { client } = contextOf(request);
  return client === undefined ? `address ${addressOf(request)}` : `key ${client}`;
}

/** @throws {HttpException} 401; 400 for what RFC 6750 calls an invalid request; 429 when too many wait to be checked */
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
  try {
    const client = await keys.findSlowly(presented.token);
    if (client) return client;
  } catch (error) {
    if (!isBulkheadRejectedError(error)) throw error;
    response.setHeader('Retry-After', RETRY_AFTER_S);
    throw new ThrottlerException('More unknown keys wait to be checked than the service takes');
  }
  throw refusal({ error: 'invalid_token', detail: 'The API key is none that the service knows' }, response);
}

function refusal(
  { error, detail }: Extract<Presented, { token?: undefined }>,
  response: Response,
): UnauthorizedException | BadRequestException {
  response.setHeader('WWW-Authenticate', challenge(error));
  return error === 'invalid_request' ? new BadRequestException(detail) : new UnauthorizedException(detail);
}
