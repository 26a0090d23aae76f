import type { JsonValue } from '../core/json.js';
import { target } from '../json-schema/schema-flaws.js';
import { hint } from './issue-message.js';

type Schema = JsonValue | undefined;
type SchemaObject = Readonly<Record<string, JsonValue>>;

/**
 * Explains that no valid input of a schema has a member with this name, and which members it may have; undefined when an input may have
 * it. When the schema's keywords don't decide this, the member counts as possible.
 *
 * @param schema a schema without flaws, in which no reference leads back to itself
 */
export function unknownMember(schema: Schema, name: string): string | undefined {
  return isRuledOut(schema, name)
    ? `no input has a member ${name}; ${hint(name, knownMembers(schema))}`
    : undefined;
}

/** @param root the schema that references refer to */
function isRuledOut(schema: Schema, name: string, root = schema): boolean {
  if (schema === false) return true;
  if (!isObject(schema)) return false;
  const below = (child: Schema): boolean => isRuledOut(child, name, root);
  const {
    type,
    properties,
    patternProperties = {},
    additionalProperties,
    allOf,
    anyOf,
    oneOf,
    $ref,
  } = schema;
  if (type !== undefined && ![type].flat().includes('object')) return true;
  if (isObject(properties) && Object.hasOwn(properties, name)) {
    if (properties[name] === false) return true;
  } else if (additionalProperties === false && !matches(patternProperties, name)) return true;
  if (typeof $ref === 'string' && root !== undefined && below(target(root, $ref))) return true;
  if (Array.isArray(allOf) && (allOf as Schema[]).some(below)) return true;
  if ([anyOf, oneOf].some((list) => Array.isArray(list) && (list as Schema[]).every(below))) return true;
  return schema.unevaluatedProperties === false && !mentions(schema, name);
}

/** The names of members that any part of a schema declares. */
function knownMembers(schema: Schema): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties } = schema as SchemaObject;
  const own = isObject(properties) ? Object.entries(properties) : [];
  const parts = Object.entries(schema).flatMap(([key, child]: [string, Schema]) =>
    key === 'properties' ? [] : knownMembers(child),
  );
  return [...new Set([...own.flatMap(([name, child]) => (child === false ? [] : [name])), ...parts])];
}

/** Whether any part of a schema may evaluate a member with this name. */
function mentions(schema: SchemaObject, name: string): boolean {
  const { unevaluatedProperties: _, ...rest } = schema;
  const text = JSON.stringify(rest);
  return (
    text.includes(JSON.stringify(name)) ||
    /"(?:\$ref|\$dynamicRef|(?:pattern|additional)Properties)"/.test(text)
  );
}

function matches(patterns: Schema, name: string): boolean {
  return isObject(patterns) && Object.keys(patterns).some((pattern) => new RegExp(pattern, 'u').test(name));
}

function isObject(value: Schema): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
