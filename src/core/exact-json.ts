declare global {
  interface JSON {
    rawJSON(text: string): object;
  }
  interface BigInt {
    /** Writes all digits, as JSON’s number. */
    toJSON(): object;
  }
}

// `JSON.stringify` throws for bigints without it. A replacer would make every text several times slower.
Object.defineProperty(BigInt.prototype, 'toJSON', {
  configurable: true,
  writable: true,
  value(this: bigint) {
    return JSON.rawJSON(String(this));
  },
});

/** A double holds all shorter integers exactly. */
const LEAST_DIGITS = 16;
const INTEGER = /^-?\d+$/;

/** Whether a bigint has ever been read: as long as none has, nobody looks for them. */
export const bigints = { seen: false };

/**
 * `JSON.parse`, in which an integer outside of ±(2^53 - 1) is a bigint with all of its digits. All other numbers are doubles: a fraction
 * is the nearest one (RFC 8259, 6), and a number past 1.8e308, of any form, is infinite.
 *
 * @throws {SyntaxError}
 */
export function parseJson(text: string): unknown {
  return hasLongInteger(text) ? JSON.parse(text, exactly) : JSON.parse(text);
}

function exactly(_key: string, value: unknown, { source }: { readonly source?: string } = {}): unknown {
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return value;
  if (source === undefined || !INTEGER.test(source)) return value;
  bigints.seen = true;
  return BigInt(source);
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
