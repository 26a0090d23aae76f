import type { JsonValue } from '../core/json.js';

/** The keyword that says how many steps a schema takes. */
export const STEPS = 'frontrunner:steps';

/** Keywords that take a schema, several, and several by a name. */
const ONE = [
  ...['additionalProperties', 'contains', 'else', 'if', 'items', 'not', 'propertyNames', 'then'],
  ...['unevaluatedItems', 'unevaluatedProperties'],
];
const LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const BY_NAME = ['$defs', 'definitions', 'dependentSchemas', 'patternProperties', 'properties'];
/** How many entries of lists, such as `enum` and `required`, count as one step. */
const ENTRIES_OF_STEP = 16;

export type SchemaObject = Readonly<Record<string, JsonValue>>;

/** A copy of a schema in which every schema says how many steps it takes. */
export function metered(schema: JsonValue): JsonValue {
  if (!isObject(schema)) return schema;
  const copy: Record<string, JsonValue> = { ...schema };
  for (const [name, value] of Object.entries(schema)) {
    if (ONE.includes(name)) copy[name] = metered(value);
    else if (LIST.includes(name) && Array.isArray(value)) copy[name] = value.map(metered);
    else if (BY_NAME.includes(name) && isObject(value))
      copy[name] = Object.fromEntries(Object.entries(value).map(([key, child]) => [key, metered(child)]));
  }
  const entries = Object.values(schema).map((value) =>
    typeof value === 'object' && value !== null ? Object.keys(value).length : 0,
  );
  copy[STEPS] = 1 + Math.floor(entries.reduce((sum, count) => sum + count, 0) / ENTRIES_OF_STEP);
  return copy;
}

/** A schema or sub-schema, and its path. */
interface Part {
  readonly schema: SchemaObject;
  readonly path: readonly (string | number)[];
}

/** A schema and all its sub-schemas. */
export function partsOf(schema: JsonValue | undefined, path: Part['path'] = []): Part[] {
  if (!isObject(schema)) return [];
  const children = Object.entries(schema).flatMap(([name, value]) => {
    if (ONE.includes(name)) return partsOf(value, [...path, name]);
    if ((!LIST.includes(name) && !BY_NAME.includes(name)) || typeof value !== 'object' || value === null)
      return [];
    return Object.entries(value).flatMap(([key, child]: [string, JsonValue]) =>
      partsOf(child, [...path, name, Array.isArray(value) ? Number(key) : key]),
    );
  });
  return [{ schema, path }, ...children];
}

export function isObject(value: JsonValue | undefined): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
