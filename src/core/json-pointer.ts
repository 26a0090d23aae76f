import type { JsonValue } from './json.js';

/** Form of an index: without leading zeros. "-", the place after the last entry, holds no value. */
const INDEX = /^(?:0|[1-9]\d*)$/;

/** The steps of a JSON Pointer (RFC 6901). */
export function stepsOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The value that the steps lead to, through members of objects and entries of lists. Undefined where there is none. */
export function valueAt(value: JsonValue | undefined, steps: readonly string[]): JsonValue | undefined {
  let at = value;
  for (const step of steps) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    if (Array.isArray(at) && !INDEX.test(step)) return undefined;
    at = (at as Readonly<Record<string, JsonValue>>)[step];
  }
  return at;
}
