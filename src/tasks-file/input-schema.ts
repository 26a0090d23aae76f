import type { ErrorObject } from 'ajv';
import { z } from 'zod';
import type { JsonValue } from '../core/json.js';
import { stepsOf } from '../core/json-pointer.js';
import { textOf } from '../core/thrown.js';
import { boundedAjv, compile } from '../json-schema/bounded-ajv.js';
import { patternMistakes } from '../json-schema/metered-schema.js';
import type { Path } from './mistake.js';

/** A caller is told of no more things that are wrong with an input. */
const MOST_ERRORS = 100;

interface InputSchema {
  /** Takes the inputs that fit the JSON Schema, and is shown as it. */
  readonly zodSchema?: z.ZodType;
  /** What is wrong with the JSON Schema, and where in it. */
  readonly flaws?: readonly { readonly path: Path; readonly message: string }[];
}

/** Makes a zod schema of a JSON Schema (2020-12), or says what is wrong with that. */
export function inputSchema(schema: Readonly<Record<string, JsonValue>>): InputSchema {
  const ajv = boundedAjv({ allErrors: true, strictTypes: false, strictTuples: false });
  try {
    if (ajv.validateSchema(schema) !== true) return { flaws: flawsOf(ajv.errors ?? []) };
    if ('$async' in schema) return { flaws: [{ path: ['$async'], message: 'is not taken; take it out' }] };
    const flaws = patternMistakes(schema);
    if (flaws.length > 0) return { flaws };
    const check = compile(ajv, schema);
    const zodSchema = z.any().superRefine((input: JsonValue, context) => {
      for (const error of check(input).slice(0, MOST_ERRORS))
        context.addIssue({ code: 'custom', ...issueOf(error) });
    });
    return { zodSchema: zodSchema.meta(schema) };
  } catch (error) {
    return { flaws: [{ path: [], message: `is no JSON Schema 2020-12: ${textOf(error)}` }] };
  }
}

/** The first of the errors at each place: the others say of what it could be instead. */
function flawsOf(errors: readonly ErrorObject[]): NonNullable<InputSchema['flaws']> {
  const first = new Map(errors.toReversed().map((error) => [error.instancePath, error]));
  return [...first.values()].map(({ instancePath, message = 'is wrong', params }) => {
    const { allowedValues } = params as { allowedValues?: readonly unknown[] };
    return {
      path: stepsOf(instancePath).map(step),
      message: message + (allowedValues ? `: ${allowedValues.join(', ')}` : ''),
    };
  });
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

/** What may be the index of an entry is taken for that. */
function step(part: string): string | number {
  return /^\d+$/.test(part) ? Number(part) : part;
}
