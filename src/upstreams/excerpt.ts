import { TextDecoder } from 'node:util';
import { charsetOf } from './media-type.js';
import type { Secrets } from './secrets.js';

/** Longest excerpt, in UTF-16 units. */
const EXCERPT_LENGTH = 500;
/** How many bytes of a body suffice for an excerpt, whatever characters they encode. */
export const EXCERPT_BYTES = EXCERPT_LENGTH * 4;

/** The beginning of a body as text, without the service's own secrets. */
export function excerptOf(
  body: Buffer,
  contentType: string | string[] | undefined,
  secrets: Secrets,
): string {
  // The decoder is left open, so that it omits a character that is cut off at the end.
  const text = decoder(charsetOf(contentType)).decode(body.subarray(0, EXCERPT_BYTES), { stream: true });
  return secrets
    .redact(text)
    .slice(0, EXCERPT_LENGTH)
    .replace(/[\ud800-\udbff]$/, '');
}

function decoder(charset: string): TextDecoder {
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}
