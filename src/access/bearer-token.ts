import type { IncomingMessage } from 'node:http';
import { isRepeated } from '../http/repeated-header.js';
import { KEY_FORM } from './key-hash.js';

/** The error codes of RFC 6750, section 3.1. */
export type TokenError = 'invalid_request' | 'invalid_token' | 'insufficient_scope';

/** The token of a request, or why it has none. There is no `error` when the request doesn't try to present one. */
export type Presented =
  | { readonly token: string }
  | { readonly token?: undefined; readonly error?: TokenError; readonly detail: string };

/** For clients that can't set `Authorization`. */
export const API_KEY_HEADER = 'x-api-key';

/** Reads `Authorization: Bearer <token>` (RFC 6750, section 2.1), or else `X-API-Key: <token>`. */
export function bearerToken({
  headers,
  rawHeaders,
}: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): Presented {
  const { authorization } = headers;
  if (authorization === undefined) return keyOfHeader(headers[API_KEY_HEADER]);
  if (isRepeated(rawHeaders, 'authorization'))
    return { error: 'invalid_request', detail: 'The request has more than one Authorization header' };
  const [, scheme = '', token = ''] = /^(\S*) *(.*)$/s.exec(authorization) ?? [];
  if (scheme.toLowerCase() !== 'bearer')
    return { detail: 'The Authorization header is of another scheme; send Authorization: Bearer <key>' };
  if (token === '')
    return { error: 'invalid_request', detail: 'There is no key behind Bearer in the Authorization header' };
  if (!KEY_FORM.test(token))
    return { error: 'invalid_token', detail: 'What is behind Bearer has not the form of an API key' };
  return { token };
}

/** Node joins repeated headers by commas, which no key has. */
function keyOfHeader(key: string | readonly string[] | undefined): Presented {
  if (typeof key !== 'string')
    return { detail: 'The request has no API key; send one as Authorization: Bearer <key>, or as X-API-Key' };
  if (!KEY_FORM.test(key))
    return { error: 'invalid_token', detail: 'What X-API-Key has is not the form of one API key' };
  return { token: key };
}
