import type { JsonValue } from '../core/json.js';
import { stepsOf, valueAt } from '../core/json-pointer.js';
import { nearest } from '../core/nearest.js';
import { LinearPattern } from './linear-pattern.js';
import { isObject, partsOf, type SchemaObject } from './metered-schema.js';

/** A mistake in a schema, and its place. */
export interface Flaw {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

const DRAFT = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

/** Keywords that have no effect without one of some others. */
const COMPANIONS: readonly (readonly [string, readonly string[]])[] = [
  ['if', ['then', 'else']],
  ['then', ['if']],
  ['else', ['if']],
  ['minContains', ['contains']],
  ['maxContains', ['contains']],
];
/** Keywords whose schemas are of the same value. */
const SAME_VALUE = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas', '$ref'];

/**
 * Finds parts of a valid schema that would check nothing, or fail when a value is checked.
 *
 * @param keywords the supported keywords
 */
export function schemaFlaws(root: JsonValue, keywords: ReadonlySet<string>): Flaw[] {
  const done = new Set<JsonValue>();
  return partsOf(root).flatMap(({ schema, path }) =>
    [
      ...keywordFlaws(schema, keywords),
      ...referenceFlaws(schema, root),
      ...(goesRound(schema, root, new Set(), done)
        ? [{ path: [], message: 'refers to itself without a step into the value, so no check would end' }]
        : []),
      ...patternFlaws(schema),
    ].map((flaw) => ({ ...flaw, path: [...path, ...flaw.path] })),
  );
}

function keywordFlaws(schema: SchemaObject, keywords: ReadonlySet<string>): Flaw[] {
  const unknown = Object.keys(schema).flatMap((name) => {
    if (keywords.has(name)) return [];
    const near = nearest(name, [...keywords]);
    const mend = near === undefined ? 'take it out' : `is ${near} meant?`;
    return [
      { path: [name], message: `is no keyword of JSON Schema 2020-12 and would check nothing; ${mend}` },
    ];
  });
  const lonely = COMPANIONS.filter(
    ([name, others]) => name in schema && !others.some((other) => other in schema),
  ).map(([name, others]) => ({
    path: [name],
    message: `does nothing without ${others.join(' or ')}; write both`,
  }));
  return [...unknown, ...lonely];
}

function referenceFlaws(schema: SchemaObject, root: JsonValue): Flaw[] {
  // Ajv takes both, and calls itself without end when it checks a value.
  const dynamic = ['$dynamicRef', '$recursiveRef'].filter((name) => name in schema);
  const flaws: Flaw[] = dynamic.map((name) => ({ path: [name], message: 'is not taken; write $ref' }));
  const { $ref, $schema } = schema;
  if (typeof $ref === 'string' && /^#(?:\/|$)/.test($ref) && target(root, $ref) === undefined)
    flaws.push({ path: ['$ref'], message: `leads to nothing in this schema; ${whereTo(root)}` });
  if (typeof $schema === 'string' && !DRAFT.test($schema))
    flaws.push({
      path: ['$schema'],
      message: 'takes https://json-schema.org/draft/2020-12/schema; write that, or take it out',
    });
  return flaws;
}

function whereTo(root: JsonValue): string {
  const names = isObject(root) && isObject(root.$defs) ? Object.keys(root.$defs) : [];
  return names.length > 0
    ? `there are ${names.map((name) => `#/$defs/${name}`).join(', ')}`
    : 'write what it means under $defs';
}

/** Whether schemas of the same value lead from one back to itself; noted once for each circle. */
function goesRound(schema: JsonValue, root: JsonValue, open: Set<JsonValue>, done: Set<JsonValue>): boolean {
  if (!isObject(schema) || done.has(schema)) return false;
  if (open.has(schema)) return true;
  open.add(schema);
  const found = SAME_VALUE.some((name) => {
    const value = schema[name];
    if (name === '$ref')
      return typeof value === 'string' && goesRound(target(root, value) ?? true, root, open, done);
    if (name === 'dependentSchemas' || Array.isArray(value))
      return Object.values(value ?? {}).some((child: JsonValue) => goesRound(child, root, open, done));
    return value !== undefined && goesRound(value, root, open, done);
  });
  open.delete(schema);
  done.add(schema);
  return found;
}

function patternFlaws({ pattern, patternProperties }: SchemaObject): Flaw[] {
  const patterns = [
    ...(typeof pattern === 'string' ? [[['pattern'], pattern] as const] : []),
    ...Object.keys(isObject(patternProperties) ? patternProperties : {}).map(
      (name) => [['patternProperties', name], name] as const,
    ),
  ];
  return patterns.flatMap(([path, text]) => {
    try {
      new LinearPattern(text);
      return [];
    } catch (error) {
      return [{ path, message: (error as Error).message }];
    }
  });
}

/** What a reference within a schema leads to; undefined where there is nothing, and true where it is of another kind. */
export function target(root: JsonValue, reference: string): JsonValue | undefined {
  if (/^#[^/]/.test(reference))
    return partsOf(root).find(({ schema }) => schema.$anchor === reference.slice(1))?.schema ?? true;
  if (!reference.startsWith('#')) return true;
  try {
    return valueAt(root, stepsOf(decodeURIComponent(reference)));
  } catch {
    return undefined;
  }
}
