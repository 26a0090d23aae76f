import type { JsonValue } from '../core/json.js';
import { boundedAjv, compile } from '../json-schema/bounded-ajv.js';
import { patternMistakes } from '../json-schema/metered-schema.js';

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
  const [mistake] = patternMistakes(schema);
  if (mistake) throw new Error(`${mistake.path.join('/')} ${mistake.message}`);
  const ajv = boundedAjv({ strict: true, strictTypes: false, strictTuples: false, strictRequired: false });
  const check = compile(ajv, schema);
  return (body) => {
    const [error] = check(body);
    if (!error) return undefined;
    return `its body${error.instancePath ? ` at ${error.instancePath}` : ''} ${error.message ?? 'doesn’t fit'}`;
  };
}
