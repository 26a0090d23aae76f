import { TextDecoder } from 'node:util';
import { charsetOf } from './media-type.js';
import type { Secrets } from './secrets.js';

/** Longest excerpt, in UTF-16 units. */
const EXCERPT_LENGTH = 500;
/** How many bytes of a body are enough for it, whatever characters they are. */
export const EXCERPT_BYTES = EXCERPT_LENGTH * 4;

/** The beginning of a body as a text, whatever it is, without our own secrets. */
export function excerptOf(
  body: Buffer,
  contentType: string | string[] | undefined,
  secrets: Secrets,
): string {
  // Left open, so that a character that is cut off at the end is left out.
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
