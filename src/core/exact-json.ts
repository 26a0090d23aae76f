import { randomUUID } from 'node:crypto';

declare global {
  interface JSON {
    rawJSON(text: string): object;
  }
  interface BigInt {
    /** Writes all digits, as JSON’s number. */
    toJSON(): object;
  }
}

// `JSON.stringify` throws for bigints without it. A replacer would make every text several times slower. What an application has set
// itself stays: its own answers would change.
if (!('toJSON' in BigInt.prototype))
  Object.defineProperty(BigInt.prototype, 'toJSON', {
    configurable: true,
    writable: true,
    value(this: bigint) {
      return JSON.rawJSON(String(this));
    },
  });

/** A double holds all shorter integers exactly. */
const LEAST_DIGITS = 16;
/** Texts, so that digits in them aren't taken for numbers, and numbers. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi;
const LONG_INTEGER = /^-?[1-9]\d{15,}$/;
/** Begins the text that stands for an integer while a JSON text is parsed. Nobody can guess it. */
const MARK = `integer-${randomUUID()}:`;

/** Whether a bigint has ever been read: as long as none has, nobody looks for them. */
export const bigints = { seen: false };

/**
 * `JSON.parse`, in which an integer outside of ±(2^53 - 1) is a bigint with all of its digits. All other numbers are doubles: a fraction
 * is the nearest one (RFC 8259, 6), and a number past 1.8e308, of any form, is infinite.
 *
 * @throws {SyntaxError}
 */
export function parseJson(text: string): unknown {
  return hasLongInteger(text) ? parseExactly(text) : JSON.parse(text);
}

/** A reviver, which could do the same, takes four times as long: it is called for every value. */
function parseExactly(text: string): unknown {
  const marked = text.replaceAll(TOKENS, (token) => (isMarked(token) ? `"${MARK}${token}"` : token));
  if (marked === text) return JSON.parse(text);
  const root: Branch = { root: JSON.parse(marked) as unknown };
  const open: Branch[] = [root];
  for (let branch = open.pop(); branch; branch = open.pop()) {
    for (const key of Object.keys(branch)) {
      // An integer where a name belongs: this throws.
      if (key.startsWith(MARK)) return JSON.parse(text);
      const value = branch[key];
      if (typeof value === 'object' && value !== null) open.push(value as Branch);
      else if (typeof value === 'string' && value.startsWith(MARK)) branch[key] = integer(value);
    }
  }
  return root.root;
}

type Branch = Record<string, unknown>;

/** Whether it is an integer that a double doesn't hold, but can come near to. */
function isMarked(token: string): boolean {
  if (token.length < LEAST_DIGITS || !LONG_INTEGER.test(token)) return false;
  const nearest = Number(token);
  return Number.isFinite(nearest) && !Number.isSafeInteger(nearest);
}

function integer(marked: string): bigint {
  bigints.seen = true;
  return BigInt(marked.slice(MARK.length));
}

/** Whether a JSON text may have an integer that a double can't hold. Of 16 digits in a row one stands at each 16th place. */
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

/** Digits right behind a quote are a text, and behind a point a fraction. */
function isTextOrFraction(text: string, start: number): boolean {
  const before = text.charAt(text.charAt(start - 1) === '-' ? start - 2 : start - 1);
  return before === '"' || before === '.';
}

/** Of NaN too, which stands outside of a text. */
function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
