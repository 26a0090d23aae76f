import type { ErrorObject } from 'ajv';
import { z } from 'zod';
import { MOST_ERRORS } from '../core/domain-error.js';
import type { JsonValue } from '../core/json.js';
import { stepsOf } from '../core/json-pointer.js';
import { compileSchema } from '../json-schema/compiled-schema.js';
import type { Flaw } from '../json-schema/schema-flaws.js';

interface InputSchema {
  /** Accepts the inputs that are valid by the JSON Schema, and is documented as that schema. */
  readonly zodSchema?: z.ZodType;
  /** The flaws of the JSON Schema, and where they are. */
  readonly flaws?: readonly Flaw[];
}

/** Makes a zod schema from a JSON Schema (2020-12), or returns that schema's flaws. */
export function inputSchema(schema: Readonly<Record<string, JsonValue>>): InputSchema {
  const made = compileSchema(schema, 'all');
  if ('flaws' in made) return made;
  const zodSchema = z.any().superRefine((input: JsonValue, context) => {
    for (const error of made.check(input).slice(0, MOST_ERRORS))
      context.addIssue({ code: 'custom', ...issueOf(error) });
  });
  return { zodSchema: zodSchema.meta(schema) };
}

function issueOf({ keyword, params, instancePath, message = 'does not fit' }: ErrorObject) {
  const path = stepsOf(instancePath);
  const {
    missingProperty,
    additionalProperty,
    unevaluatedProperty = additionalProperty,
  } = params as Partial<Record<string, string>>;
  if (keyword === 'required' && missingProperty !== undefined)
    return { path: [...path, missingProperty], message: 'is missing' };
  if (unevaluatedProperty !== undefined)
    return { path: [...path, unevaluatedProperty], message: 'is not known here' };
  return { path, message };
}
