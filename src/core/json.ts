import { parseJson } from './exact-json.js';

/** A value that JSON can hold (RFC 8259). An integer outside of ±(2^53 - 1) is a bigint: a double would lose its last digits. */
export type JsonValue = string | number | bigint | boolean | null | readonly JsonValue[] | JsonObject;
interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** `T`, read-only through and through. */
export type Frozen<T> = JsonValue extends T
  ? T
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;

/** How many levels deep a value may be nested: enough for any payload, and safe for every recursive reader. */
export const MAX_DEPTH = 100;

export class JsonError extends Error {
  constructor(
    readonly code: 'not-json' | 'too-large',
    message: string,
  ) {
    super(message);
    this.name = 'JsonError';
  }
}

/**
 * A frozen copy of `value` as JSON holds it. So nobody can change it afterwards, and every journal gives back the same value. `undefined`
 * becomes `null`, because a sub-task need not return anything.
 *
 * @throws {JsonError} `not-json` for what JSON would lose or can't hold (functions, symbols, NaN,
 * maps, sets, circles, more than {@link MAX_DEPTH} levels), `too-large` past `maxBytes` of UTF-8 text.
 */
export function toJson(value: unknown, maxBytes: number): JsonValue {
  // JSON takes at most six bytes for a character, so a short string need not be measured.
  if (typeof value === 'string' && value.length * 6 + 2 <= maxBytes) return value;
  const text = stringify(value);
  if (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes) {
    throw new JsonError(
      'too-large',
      `${String(Buffer.byteLength(text))} bytes of JSON, at most ${String(maxBytes)} are kept`,
    );
  }
  return typeof value === 'string' ? value : freezeJson(parseJson(text) as JsonValue);
}

/**
 * Freezes a parsed JSON value through and through.
 *
 * @throws {JsonError} `not-json` past {@link MAX_DEPTH} levels, for a number too large for a double, and for a key
 * `__proto__`, which would change the prototype of an object that it is copied to
 */
export function freezeJson<T extends JsonValue>(value: T, depth = 0): T {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new JsonError('not-json', 'has a number out of range');
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) throw new JsonError('not-json', `nested more than ${MAX_DEPTH} levels deep`);
  if (Object.hasOwn(value, '__proto__')) throw new JsonError('not-json', 'has a key "__proto__"');
  for (const child of Object.values(value)) freezeJson(child, depth + 1);
  return Object.freeze(value);
}

/** Freezes plain objects and arrays, with all that they hold. Stops at values that are frozen already or are of another kind. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return value;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
  return value;
}

/** Roughly how many bytes of memory a value takes. `[{},{},…]` takes twenty times as much as its text. */
export function memoryBytes(value: JsonValue): number {
  if (typeof value === 'string') return 24 + value.length * 2;
  if (typeof value !== 'object' || value === null) return 16;
  let bytes = 64;
  if (isArray(value)) for (const child of value) bytes += 16 + memoryBytes(child);
  else for (const key in value) bytes += 16 + key.length + memoryBytes(value[key] ?? null);
  return bytes;
}

const isArray = Array.isArray as (value: JsonValue) => value is readonly JsonValue[];

function stringify(value: unknown): string {
  try {
    const text = JSON.stringify(value ?? null, refuseLossy) as string | undefined;
    if (text === undefined) throw new JsonError('not-json', 'toJSON() returned nothing');
    return text;
  } catch (error) {
    if (error instanceof JsonError) throw error;
    throw new JsonError('not-json', error instanceof Error ? firstLine(error.message) : 'toJSON() threw');
  }
}

/** Kinds of objects that JSON keeps whole. An object with a `toJSON` method, such as a Date, is converted before this check. */
const JSON_TAGS = new Set(['Object', 'Array', 'String', 'Number', 'Boolean']);

function refuseLossy(_key: string, value: unknown): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new JsonError('not-json', `JSON can't hold a ${typeof value}`);
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new JsonError('not-json', `JSON can't hold ${String(value)}`);
  }
  if (typeof value === 'object' && value !== null) {
    const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
    if (!JSON_TAGS.has(tag)) throw new JsonError('not-json', `JSON can't hold a ${tag}`);
  }
  return value;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}
