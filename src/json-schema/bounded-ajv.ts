import { _, type CodeKeywordDefinition, type ErrorObject, type FuncKeywordDefinition } from 'ajv';
import { Ajv2020, type Options } from 'ajv/dist/2020.js';
import { bigints } from '../core/exact-json.js';
import type { JsonValue } from '../core/json.js';
import { effort, EffortError } from './effort.js';
import { LinearPattern } from './linear-pattern.js';
import { metered, STEPS } from './metered-schema.js';

/** What is wrong with a value; nothing when it fits. */
export type Check = (value: JsonValue) => readonly ErrorObject[];

/** Ajv makes an object of everything that doesn’t fit, which takes more than the check: a schema behind one costs so much more. */
const STEPS_OF_ERROR = 5;

/** The steps of a schema are spent before anything else of it is looked at. */
const steps: CodeKeywordDefinition = {
  keyword: STEPS,
  schemaType: 'number',
  before: '$ref',
  trackErrors: true,
  code: ({ gen, data, schema, parentSchema, errsCount = _`0` }) => {
    const counter = gen.scopeValue('obj', { ref: effort });
    const count = schema as number;
    gen.code(_`${counter}.left -= ${errsCount} > 0 ? ${count * STEPS_OF_ERROR} : ${count};`);
    if ('minLength' in parentSchema || 'maxLength' in parentSchema)
      gen.code(_`if (typeof ${data} === "string") ${counter}.left -= ${data}.length >> 4;`);
    gen.code(_`if (${counter}.left < 0) ${counter}.extend();`);
  },
};

/** The lists that {@link asDoubles} has copied. */
const exactItems = new WeakMap<readonly JsonValue[], readonly JsonValue[]>();

/** A copy with bigints as the nearest doubles, the only numbers that Ajv takes for numbers; values without one are not copied. */
function asDoubles(value: JsonValue): JsonValue {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(
    ([key, child]: [string, JsonValue]) => [key, asDoubles(child)] as const,
  );
  if (entries.every(([key, child]) => child === (value as Readonly<Record<string, JsonValue>>)[key]))
    return value;
  if (!Array.isArray(value)) return Object.fromEntries(entries);
  const items = entries.map(([, child]) => child);
  exactItems.set(items, value as readonly JsonValue[]);
  return items;
}

/** Ajv's own compares each two items. */
const uniqueItems: FuncKeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  error: { message: 'must not have two items that are the same' },
  validate: (isAsked: boolean, items: readonly JsonValue[]) =>
    !isAsked || new Set((exactItems.get(items) ?? items).map(canonicalText)).size === items.length,
};

/** Ajv for JSON Schema 2020-12, whose checks take a time that grows with the value alone: callers and upstreams send those. */
export function boundedAjv(options: Options): Ajv2020 {
  // Ajv asks its expressions for no more than `test()` and `toString()`.
  const regExp = Object.assign((pattern: string) => new LinearPattern(pattern), { code: '' });
  const ajv = new Ajv2020({
    ...options,
    ownProperties: true,
    validateFormats: false,
    logger: false,
    code: { regExp },
  });
  return ajv.removeKeyword('uniqueItems').addKeyword(uniqueItems).addKeyword(steps);
}

/** @throws {Error} that says what is wrong with the schema */
export function compile(ajv: Ajv2020, schema: JsonValue): Check {
  const validate = ajv.compile(metered(schema) as boolean | Record<string, unknown>);
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

const TOO_LONG = 'takes too long to check; send less, or what is nested less';

/** The same for values that JSON Schema takes for the same: members may be in any order. */
function canonicalText(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  effort.spend(1);
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(canonicalText).join()}]`;
  const members = Object.entries(value as Readonly<Record<string, JsonValue>>);
  return `{${members
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalText(member)}`)
    .sort()
    .join()}}`;
}
