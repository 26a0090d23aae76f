import type { ErrorObject, ValidateFunction } from 'ajv';
import { bigints } from '../core/exact-json.js';
import type { JsonValue } from '../core/json.js';
import { stepsOf } from '../core/json-pointer.js';
import { textOf } from '../core/thrown.js';
import { ajvFor, type BoundedAjv } from './bounded-ajv.js';
import { asDoubles } from './doubles.js';
import { effort, EffortError } from './effort.js';
import { isObject, partsOf, STEPS, type SchemaObject } from './metered-schema.js';
import { schemaFlaws, type Flaw } from './schema-flaws.js';

/** Checks a value; returns its errors, none when it fits. */
export type Check = (value: JsonValue) => readonly ErrorObject[];

const TOO_LONG = 'takes too long to check; send less, or what is nested less';

/**
 * Compiles a JSON Schema, 2020-12, in which formats are annotations. Keywords that it doesn’t know are flaws.
 *
 * @param errors whether the check returns all errors, or only the first
 */
export function compileSchema(
  schema: JsonValue,
  errors: 'first' | 'all',
): { readonly check: Check } | { readonly flaws: readonly Flaw[] } {
  if (typeof schema !== 'boolean' && !isObject(schema))
    return { flaws: [{ path: [], message: 'takes a JSON Schema: an object, true or false' }] };
  try {
    const ajv = ajvFor(errors);
    const flaws = typeof schema === 'boolean' ? [] : flawsOf(schema, ajv);
    if (flaws.length > 0) return { flaws };
    return { check: bounded(ajv.compile(schema)) };
  } catch (error) {
    const message = textOf(error).replace(/^strict mode: /, '');
    const { missingRef } = error as { readonly missingRef?: string };
    if (missingRef === undefined) return { flaws: [{ path: [], message: `is not taken: ${message}` }] };
    const from = partsOf(schema).find(
      ({ schema: { $ref } }) => typeof $ref === 'string' && missingRef.endsWith($ref),
    );
    const mend = 'leads to no schema in this one, and nothing is fetched; copy it into $defs';
    return { flaws: [{ path: from ? [...from.path, '$ref'] : [], message: mend }] };
  }
}

function flawsOf(schema: SchemaObject, ajv: BoundedAjv): readonly Flaw[] {
  if ('$async' in schema) return [{ path: ['$async'], message: 'is not taken; take it out' }];
  const { $schema: _, ...rest } = schema;
  const misfits = ajv.misfits(rest);
  return misfits.length > 0 ? misfitFlaws(misfits) : schemaFlaws(schema, ajv.keywords);
}

/** The first error at each place: the others only say which alternatives failed. */
function misfitFlaws(errors: readonly ErrorObject[]): Flaw[] {
  const first = new Map(errors.toReversed().map((error) => [error.instancePath, error]));
  return [...first.values()].map(({ instancePath, message = 'is wrong', params }) => {
    const { allowedValues } = params as { allowedValues?: readonly unknown[] };
    return {
      path: stepsOf(instancePath).map((step) => (/^\d+$/.test(step) ? Number(step) : step)),
      message: message + (allowedValues ? `: ${allowedValues.join(', ')}` : ''),
    };
  });
}

function bounded(validate: ValidateFunction): Check {
  return (value) => {
    try {
      effort.begin(value);
      validate(bigints.seen ? asDoubles(value) : value);
      return validate.errors ?? [];
    } catch (error) {
      // A schema may refer to itself without end.
      if (error instanceof EffortError || error instanceof RangeError)
        return [{ instancePath: '', schemaPath: '', keyword: STEPS, params: {}, message: TOO_LONG }];
      throw error;
    } finally {
      effort.begin(undefined);
    }
  };
}
