import type { IncomingMessage } from 'node:http';
import { isRepeated } from '../http/repeated-header.js';
import { KEY_FORM } from './key-hash.js';

/** What RFC 6750, section 3.1, calls what is wrong with a token. */
export type TokenError = 'invalid_request' | 'invalid_token' | 'insufficient_scope';

/** The token that a request came with, or what keeps it from having one; no `error` where it doesn't try to have any. */
export type Presented =
  | { readonly token: string }
  | { readonly token?: undefined; readonly error?: TokenError; readonly detail: string };

/** Reads `Authorization: Bearer <token>` (RFC 6750, section 2.1). */
export function bearerToken({
  headers,
  rawHeaders,
}: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): Presented {
  const { authorization } = headers;
  if (authorization === undefined)
    return { detail: 'The request has no API key; send one as Authorization: Bearer <key>' };
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
