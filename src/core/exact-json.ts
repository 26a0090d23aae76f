import { randomUUID } from 'node:crypto';

declare global {
  interface JSON {
    rawJSON(text: string): object;
  }
  interface BigInt {
    /** Writes all digits as a JSON number. */
    toJSON(): object;
  }
}

// Without this method, `JSON.stringify` throws for bigints. A replacer would make every call several times slower. A method that the
// application has set itself stays, because replacing it would change the application's own answers.
if (!('toJSON' in BigInt.prototype))
  Object.defineProperty(BigInt.prototype, 'toJSON', {
    configurable: true,
    writable: true,
    value(this: bigint) {
      return JSON.rawJSON(String(this));
    },
  });

/** Length, in digits, from which an integer may not fit a double. A double holds all shorter integers exactly. */
const LEAST_DIGITS = 16;
/** Matches numbers, and whole texts, so that digits in a text aren't taken for a number. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi;
const LONG_INTEGER = /^-?[1-9]\d{15,}$/;
/** Prefix of the texts that replace long integers during parsing. It is random, so that no input can contain it. */
const MARK = `integer-${randomUUID()}:`;

/** `seen`: whether this process has parsed a bigint. Until then, no code needs to look for bigints. */
export const bigints = { seen: false };

/**
 * `JSON.parse` that returns an integer outside of ±(2^53 - 1) as a bigint with all of its digits. All other numbers are doubles: a fraction
 * becomes the nearest double (RFC 8259, 6), and any number past 1.8e308 becomes Infinity.
 *
 * @throws {SyntaxError}
 */
export function parseJson(text: string): unknown {
  return hasLongInteger(text) ? parseExactly(text) : JSON.parse(text);
}

/** A reviver could do the same, but takes four times as long, because it is called for every value. */
function parseExactly(text: string): unknown {
  const marked = text.replaceAll(TOKENS, (token) => (isMarked(token) ? `"${MARK}${token}"` : token));
  if (marked === text) return JSON.parse(text);
  const root: Branch = { root: JSON.parse(marked) as unknown };
  const open: Branch[] = [root];
  for (let branch = open.pop(); branch; branch = open.pop()) {
    for (const key of Object.keys(branch)) {
      // A long integer stands where a member's name belongs. The original text is no JSON, so this throws.
      if (key.startsWith(MARK)) return JSON.parse(text);
      const value = branch[key];
      if (typeof value === 'object' && value !== null) open.push(value as Branch);
      else if (typeof value === 'string' && value.startsWith(MARK)) branch[key] = integer(value);
    }
  }
  return root.root;
}

type Branch = Record<string, unknown>;

/** Whether a token is an integer that is in the range of a double but that a double can't hold exactly. */
function isMarked(token: string): boolean {
  if (token.length < LEAST_DIGITS || !LONG_INTEGER.test(token)) return false;
  const nearest = Number(token);
  return Number.isFinite(nearest) && !Number.isSafeInteger(nearest);
}

function integer(marked: string): bigint {
  bigints.seen = true;
  return BigInt(marked.slice(MARK.length));
}

/**
 * Whether a JSON text may have an integer that a double can't hold. Looks at every 16th character first: 16 digits in a row always include
 * one of these.
 */
function hasLongInteger(text: string): boolean {
  let at = LEAST_DIGITS - 1;
  while (at < text.length) {
    if (!isDigit(text.charCodeAt(at))) {
      at += LEAST_DIGITS;
      continue;
    }
    let start = at;
    let end = at + 1;
    while (isDigit(text.charCodeAt(start - 1))) start -= 1;
    while (isDigit(text.charCodeAt(end))) end += 1;
    if (end - start >= LEAST_DIGITS && !isTextOrFraction(text, start)) return true;
    at = end + LEAST_DIGITS - 1;
  }
  return false;
}

/** Digits right after a quote belong to a text. Digits right after a point belong to a fraction. */
function isTextOrFraction(text: string, start: number): boolean {
  const before = text.charAt(text.charAt(start - 1) === '-' ? start - 2 : start - 1);
  return before === '"' || before === '.';
}

/** False for NaN, which `charCodeAt` returns outside of the text. */
function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
