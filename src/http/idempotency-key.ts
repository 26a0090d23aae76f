import type { Request } from 'express';
import { parseItem } from 'structured-headers';
import { DomainError } from '../core/domain-error.js';
import { contextOf } from './request-context.js';

const MAX_LENGTH = 255;
/** Keys without quotes, which the draft requires but many clients leave out: tokens of RFC 9110 and RFC 9651, and base64. */
const BARE = /^[!#$%&'*+.^_`|~0-9a-z:/=-]+$/i;

/**
 * The `Idempotency-Key` of a request: a quoted string (RFC 9651) or a bare word (draft-ietf-httpapi-idempotency-key-header).
 *
 * @returns undefined when the request has none
 * @throws {DomainError} `invalid-request` when the key is malformed
 */
export function idempotencyKey(
  request: Request,
): { readonly client: string; readonly key: string } | undefined {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return undefined;
  const key = typeof header === 'string' ? keyOf(header.trim()) : undefined;
  if (key === undefined || key.length === 0 || key.length > MAX_LENGTH) {
    const detail = `takes one quoted string such as "8e03978e-40d5-43dd-bc93-6894a57f9324", of 1 to ${MAX_LENGTH} characters`;
    throw new DomainError('invalid-request', 'The Idempotency-Key is malformed', {
      errors: [{ header: 'Idempotency-Key', detail }],
    });
  }
  return { client: contextOf(request).clientId ?? '', key };
}

function keyOf(text: string): string | undefined {
  if (BARE.test(text)) return text;
  try {
    const [value, parameters] = parseItem(text) as readonly [unknown, ReadonlyMap<string, unknown>];
    return typeof value === 'string' && parameters.size === 0 ? value : undefined;
  } catch {
    return undefined;
  }
}
