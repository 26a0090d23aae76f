import type { Request, Response } from 'express';
import { parseDictionary } from 'structured-headers';

/** How a caller wants to be answered (RFC 7240). */
export interface Preferences {
  /** How long the caller would wait, in seconds. */
  readonly wait?: number;
  /** Whether the caller would rather be told at once that its request was accepted. */
  readonly respondAsync?: true;
}

/** What stands between commas that are in no quotes. A quote that nothing ends goes on to the end, and is read once only so. */
const PREFERENCE = /(?:"(?:\\.|[^"\\])*(?:"|\\?$)|[^",])+/g;

/** What a request prefers. Preferences that are malformed or not known are ignored, as the RFC says. */
export function preferences(request: Pick<Request, 'headers'>): Preferences {
  const { prefer } = request.headers;
  if (typeof prefer !== 'string') return {};
  const found = new Map<string, unknown>();
  // One by one: a malformed preference takes nothing from the others. The first of several of a name counts.
  for (const [text] of prefer.matchAll(PREFERENCE)) {
    for (const [name, [value]] of dictionaryOf(text)) if (!found.has(name)) found.set(name, value);
  }
  const wait = found.get('wait');
  return {
    ...(typeof wait === 'number' && Number.isInteger(wait) && wait >= 0 && { wait }),
    ...(found.get('respond-async') === true && { respondAsync: true }),
  };
}

/**
 * How long to wait, in milliseconds: as long as the caller prefers, `otherwiseMs` where it doesn't say, never longer than
 * `mostMs`. Tells the caller by `Preference-Applied`.
 */
export function applyWait(
  { wait, respondAsync }: Preferences,
  response: Response,
  { otherwiseMs, mostMs }: { otherwiseMs: number; mostMs: number },
): number {
  const applied: string[] = [];
  if (respondAsync) applied.push('respond-async');
  const waitMs = wait === undefined ? (respondAsync ? 0 : otherwiseMs) : Math.min(wait * 1000, mostMs);
  if (wait !== undefined) applied.push(`wait=${Math.floor(waitMs / 1000)}`);
  if (applied.length > 0) response.setHeader('Preference-Applied', applied.join(', '));
  return waitMs;
}

function dictionaryOf(text: string): ReturnType<typeof parseDictionary> {
  try {
    // Unlike a structured field, a preference may have blanks around its equals sign.
    return parseDictionary(
      text
        .trim()
        .toLowerCase()
        .replace(/^([^\s="]+)\s*=\s*/, '$1='),
    );
  } catch {
    return new Map();
  }
}
