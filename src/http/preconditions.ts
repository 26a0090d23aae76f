import type { IncomingHttpHeaders } from 'node:http';
import { DomainError } from '../core/domain-error.js';

const ENTITY_TAG = /(?:W\/)?("[^"]*")/g;

/**
 * Changes request headers so that Express decides preconditions only by RFC 9110, section 13. By itself Express also obeys `Cache-Control`,
 * which is meant for caches, and which `fetch` adds to every conditional request. It also doesn't accept tabs as whitespace.
 */
export function readAsOrigin(headers: IncomingHttpHeaders): void {
  if (headers['cache-control'] !== undefined) delete headers['cache-control'];
  const tags = headers['if-none-match'];
  if (tags?.includes('\t')) headers['if-none-match'] = tags.replaceAll('\t', ' ');
}

/**
 * Whether a list of entity tags contains a tag, by weak comparison. `*` contains every tag.
 *
 * @param tag quoted, without `W/`
 */
export function hasTag(list: string, tag: string): boolean {
  return list.trim() === '*' || list.matchAll(ENTITY_TAG).some(([, opaque]) => opaque === tag);
}

/**
 * Refuses a request when its `If-Match` shows that its target has changed. Weak tags match too: the service's tags change with every change,
 * and proxies that compress turn strong tags into weak ones.
 *
 * @throws {DomainError} `precondition-failed`
 */
export function requireMatch({ 'if-match': list }: IncomingHttpHeaders, tag: string): void {
  if (list === undefined || hasTag(list, tag)) return;
  throw new DomainError('precondition-failed', `The ETag is W/${tag}, which is not in If-Match: ${list}`);
}
