import type { JsonValue } from '../core/json.js';
import { compileSchema } from '../json-schema/compiled-schema.js';

/** Checks a body. Returns the mistake; undefined for a valid body. */
type BodyCheck = (body: JsonValue) => string | undefined;

type Compiled = ReturnType<typeof compileSchema>;

/** Compiled schemas are kept, because a file is read more than once, and its sub-tasks are created later still. */
const compiled = new WeakMap<object, Compiled>();

/** Compiles the JSON Schema of a body, once. */
export function compileBodySchema(schema: JsonValue): Compiled {
  if (typeof schema !== 'object' || schema === null) return compileSchema(schema, 'first');
  let made = compiled.get(schema);
  if (!made) compiled.set(schema, (made = compileSchema(schema, 'first')));
  return made;
}

/** @param schema a schema without flaws */
export function bodyCheck(schema: JsonValue): BodyCheck {
  const made = compileBodySchema(schema);
  if (!('check' in made)) throw new Error(made.flaws.map(({ message }) => message).join());
  return (body) => {
    const [error] = made.check(body);
    if (!error) return undefined;
    return `its body${error.instancePath ? ` at ${error.instancePath}` : ''} ${error.message ?? 'doesn’t fit'}`;
  };
}
