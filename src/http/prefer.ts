import type { Request, Response } from 'express';
import { parseDictionary } from 'structured-headers';
import { invalidRequest } from '../core/domain-error.js';
import { milliseconds, type Duration } from '../core/duration.js';

/** How a caller wants to be answered (RFC 7240). */
export interface Preferences {
  /** The query parameter `wait`, in milliseconds. It goes before `Prefer`. */
  readonly waitMs?: number | undefined;
  /** How long the caller would wait, in seconds. */
  readonly wait?: number;
  /** `Prefer: respond-async`: the caller would rather have an answer as soon as its request is accepted. */
  readonly respondAsync?: true;
}

/** One preference: text between commas outside of quotes. An unclosed quote goes on to the end, so that no text is read twice. */
const PREFERENCE = /(?:"(?:\\.|[^"\\])*(?:"|\\?$)|[^",])+/g;

/**
 * The preferences of a request. Malformed and unknown preferences are ignored, as the RFC says.
 *
 * @throws {DomainError} `invalid-request` for a malformed query parameter `wait`
 */
export function preferences(request: Pick<Request, 'headers' | 'url' | 'query'>): Preferences {
  const { prefer } = request.headers;
  // Express parses the query whenever it is asked for.
  const waitMs = request.url.includes('?') ? waitParameter(request.query.wait) : undefined;
  if (typeof prefer !== 'string') return waitMs === undefined ? {} : { waitMs };
  const found = new Map<string, unknown>();
  // One by one, so that a malformed preference doesn't spoil the others. Of several with the same name, the first counts.
  for (const [text] of prefer.matchAll(PREFERENCE)) {
    for (const [name, [value]] of dictionaryOf(text)) if (!found.has(name)) found.set(name, value);
  }
  const wait = found.get('wait');
  return {
    ...(waitMs !== undefined && { waitMs }),
    ...(typeof wait === 'number' && Number.isInteger(wait) && wait >= 0 && { wait }),
    ...(found.get('respond-async') === true && { respondAsync: true }),
  };
}

/**
 * How long to wait for the reply. Also sets `Preference-Applied`.
 *
 * @returns milliseconds: what the caller prefers, at most `mostMs`; `otherwiseMs` when the caller states no preference
 */
export function applyWait(
  { waitMs: askedMs, wait, respondAsync }: Preferences,
  response: Response,
  { otherwiseMs, mostMs }: { otherwiseMs: number; mostMs: number },
): number {
  const applied: string[] = [];
  if (respondAsync) applied.push('respond-async');
  const preferredMs = wait === undefined ? (respondAsync ? 0 : otherwiseMs) : wait * 1000;
  const waitMs =
    askedMs === undefined && wait === undefined ? preferredMs : Math.min(askedMs ?? preferredMs, mostMs);
  if (wait !== undefined && askedMs === undefined) applied.push(`wait=${Math.floor(waitMs / 1000)}`);
  if (applied.length > 0) response.setHeader('Preference-Applied', applied.join(', '));
  return waitMs;
}

/** A number counts seconds, as in `Prefer`. */
function waitParameter(text: unknown): number | undefined {
  if (text === undefined) return undefined;
  try {
    if (typeof text === 'string')
      return milliseconds(/^\d+$/.test(text) ? Number(text) * 1000 : (text as Duration));
  } catch {
    // It is refused below.
  }
  throw invalidRequest([
    {
      parameter: 'wait',
      detail: 'takes one duration such as 30s or 500ms, at most 24d, or 0 for an answer at once',
    },
  ]);
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
