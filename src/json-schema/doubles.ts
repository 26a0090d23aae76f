import type { JsonValue } from '../core/json.js';

/** The lists that {@link asDoubles} has copied. */
const exactItems = new WeakMap<readonly JsonValue[], readonly JsonValue[]>();

/** A copy with bigints as the nearest doubles, the only numbers that Ajv takes for numbers; values without one are not copied. */
export function asDoubles(value: JsonValue): JsonValue {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(
    ([key, child]: [string, JsonValue]) => [key, asDoubles(child)] as const,
  );
  if (entries.every(([key, child]) => child === (value as Readonly<Record<string, JsonValue>>)[key]))
    return value;
  if (!Array.isArray(value)) return Object.fromEntries(entries);
  const items = entries.map(([, child]) => child);
  exactItems.set(items, value as readonly JsonValue[]);
  return items;
}

/** A list as it was before. */
export function exactly(items: readonly JsonValue[]): readonly JsonValue[] {
  return exactItems.get(items) ?? items;
}
