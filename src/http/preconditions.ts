import type { IncomingHttpHeaders } from 'node:http';
import { DomainError } from '../core/domain-error.js';

const ENTITY_TAG = /(?:W\/)?("[^"]*")/g;

/**
 * Has Express decide preconditions by RFC 9110, section 13, alone. It would heed `Cache-Control` too, which is meant for caches and
 * which `fetch` adds to every conditional request, and would take no tab for whitespace.
 */
export function readAsOrigin(headers: IncomingHttpHeaders): void {
  if (headers['cache-control'] !== undefined) delete headers['cache-control'];
  const tags = headers['if-none-match'];
  if (tags?.includes('\t')) headers['if-none-match'] = tags.replaceAll('\t', ' ');
}

/**
 * Whether a list of entity tags has one, by the weak comparison; `*` has any.
 *
 * @param tag quoted, without `W/`
 */
export function hasTag(list: string, tag: string): boolean {
  return list.trim() === '*' || list.matchAll(ENTITY_TAG).some(([, opaque]) => opaque === tag);
}

/**
 * Refuses a request by whose `If-Match` what it is about has changed. Weak tags count: ours change with every change, and proxies
 * that compress make strong tags weak.
 *
 * @throws {DomainError} `precondition-failed`
 */
export function requireMatch({ 'if-match': list }: IncomingHttpHeaders, tag: string): void {
  if (list === undefined || hasTag(list, tag)) return;
  throw new DomainError('precondition-failed', `The ETag is W/${tag}, which is not in If-Match: ${list}`);
}
