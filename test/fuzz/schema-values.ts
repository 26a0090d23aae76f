import fc from 'fast-check';
import type { Contract, Schema } from './contract.ts';

/** RFC 3339 writes years with four digits. */
const LATEST = new Date('9999-12-31');

/** Values that fit a schema, examples among them. */
export function valuesOf(contract: Contract, given: Schema): fc.Arbitrary<unknown> {
  const schema = contract.resolve(given);
  const examples = [schema.example, schema.default, ...(schema.examples ?? [])].filter(
    (value) => value !== undefined,
  );
  const made = make(contract, schema);
  return examples.length > 0 ? fc.oneof(fc.constantFrom(...examples), made) : made;
}

function make(contract: Contract, schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return fc.oneof(...choices.map((choice) => valuesOf(contract, choice)));
  if (schema.allOf)
    return fc
      .tuple(...schema.allOf.map((part) => valuesOf(contract, part)))
      .map((parts) => (parts.length === 1 ? parts[0] : (Object.assign({}, ...parts) as unknown)));
  if (Array.isArray(schema.type))
    return fc.oneof(...schema.type.map((type: string) => make(contract, { ...schema, type })));
  switch (schema.type) {
    case undefined:
      return fc.jsonValue({ maxDepth: 4 });
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({
        min: Math.max(schema.minimum ?? -Infinity, -(2 ** 31)),
        max: Math.min(schema.maximum ?? Infinity, 2 ** 31 - 1),
      });
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'string':
      return strings(schema);
    case 'array':
      return fc.array(valuesOf(contract, schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: schema.maxItems ?? 5,
      });
    case 'object':
      return fc.record(
        Object.fromEntries(
          Object.entries(schema.properties ?? {}).map(([name, property]) => [
            name,
            valuesOf(contract, property),
          ]),
        ),
        { requiredKeys: [...(schema.required ?? [])] },
      );
    default:
      throw new Error(`No values are made for the type ${JSON.stringify(schema.type)}`);
  }
}

function strings({ format, pattern, minLength = 0, maxLength = 40 }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time')
    return fc.date({ min: new Date(0), max: LATEST, noInvalidDate: true }).map((date) => date.toISOString());
  if (format === 'uuid') return fc.uuid();
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  return fc.string({ unit: 'binary', minLength, maxLength: Math.min(maxLength, 40) });
}
