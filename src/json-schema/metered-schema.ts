import type { JsonValue } from '../core/json.js';
import { LinearPattern } from './linear-pattern.js';

/** The keyword that says how many steps a schema takes. */
export const STEPS = 'frontrunner:steps';

/** Keywords that take a schema, several, and several by a name. */
const ONE = [
  ...['additionalProperties', 'contains', 'else', 'if', 'items', 'not', 'propertyNames', 'then'],
  ...['unevaluatedItems', 'unevaluatedProperties'],
];
const LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const BY_NAME = ['$defs', 'definitions', 'dependentSchemas', 'patternProperties', 'properties'];
/** So many entries of lists take a step: those of `enum` and `required`, for example. */
const ENTRIES_OF_STEP = 16;

type SchemaObject = Readonly<Record<string, JsonValue>>;

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

interface PatternMistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What of a schema would fail when a value is checked: patterns that can't be matched in linear time or are wrong, and dynamic references. */
export function patternMistakes(schema: JsonValue, path: PatternMistake['path'] = []): PatternMistake[] {
  if (!isObject(schema)) return [];
  const mistakes: PatternMistake[] = [];
  const check = (pattern: string, ...at: string[]): void => {
    try {
      new LinearPattern(pattern);
    } catch (error) {
      mistakes.push({ path: [...path, ...at], message: (error as Error).message });
    }
  };
  // Ajv takes it, and calls itself without end when it checks a value.
  if ('$dynamicRef' in schema)
    mistakes.push({ path: [...path, '$dynamicRef'], message: 'is not taken; write $ref' });
  if (typeof schema.pattern === 'string') check(schema.pattern, 'pattern');
  if (isObject(schema.patternProperties))
    for (const pattern of Object.keys(schema.patternProperties)) check(pattern, 'patternProperties', pattern);
  for (const [name, value] of Object.entries(schema)) {
    if (ONE.includes(name)) mistakes.push(...patternMistakes(value, [...path, name]));
    else if ((LIST.includes(name) || BY_NAME.includes(name)) && typeof value === 'object' && value !== null)
      for (const [key, child] of Object.entries(value))
        mistakes.push(...patternMistakes(child, [...path, name, Array.isArray(value) ? Number(key) : key]));
  }
  return mistakes;
}

function isObject(value: JsonValue | undefined): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
