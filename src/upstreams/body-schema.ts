import { Ajv2020 } from 'ajv/dist/2020.js';
import type { JsonValue } from '../core/json.js';

/** Says what is wrong with a body; undefined when nothing is. */
export type BodyCheck = (body: JsonValue) => string | undefined;

/**
 * Compiles a JSON Schema, 2020-12. Keywords that it doesn't know are mistakes; formats are annotations, as the
 * standard has them.
 *
 * @throws {Error} that says what is wrong with the schema
 */
export function compileBodySchema(schema: JsonValue): BodyCheck {
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null || Array.isArray(schema)))
    throw new Error('takes a JSON Schema: an object, true or false');
  const ajv = new Ajv2020({
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    validateFormats: false,
    logger: false,
  });
  const validate = ajv.compile(schema as boolean | Record<string, unknown>);
  return (body) => {
    if (validate(body)) return undefined;
    const [error] = validate.errors ?? [];
    return `its body${error?.instancePath ? ` at ${error.instancePath}` : ''} ${error?.message ?? 'doesn’t fit'}`;
  };
}
