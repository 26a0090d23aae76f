import type { JsonValue } from '../core/json.js';

/** Most places that are listed. */
const MOST = 5;
/** A pointer longer than this, in characters, is cut to the place around it. */
const MAX_POINTER = 200;

/**
 * The places where two values differ: at most five JSON Pointers (RFC 6901), and none when the values are equal. The order of members doesn't
 * matter.
 *
 * @param at the pointer to both values
 */
export function differences(one: JsonValue | undefined, other: JsonValue | undefined, at = ''): string[] {
  const found: string[] = [];
  note(one, other, at, found);
  return found;
}

function note(one: JsonValue | undefined, other: JsonValue | undefined, at: string, found: string[]): void {
  if (one === other || found.length === MOST) return;
  if (!isCompound(one) || !isCompound(other) || Array.isArray(one) !== Array.isArray(other)) {
    found.push(at);
    return;
  }
  const [members, others] = [one, other] as Readonly<Record<string, JsonValue>>[];
  for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const [inner, otherInner] = [own(members, name), own(others, name)];
    const pointer = `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (pointer.length <= MAX_POINTER) note(inner, otherInner, pointer, found);
    else if (differences(inner, otherInner).length > 0) {
      found.push(at);
      return;
    }
  }
}

function own(members: Readonly<Record<string, JsonValue>> | undefined, name: string): JsonValue | undefined {
  return members && Object.hasOwn(members, name) ? members[name] : undefined;
}

function isCompound(
  value: JsonValue | undefined,
): value is Exclude<JsonValue, string | number | bigint | boolean | null> {
  return typeof value === 'object' && value !== null;
}
