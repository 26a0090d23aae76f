import {
  _,
  type AnySchemaObject,
  type CodeKeywordDefinition,
  type ErrorObject,
  type FuncKeywordDefinition,
  type ValidateFunction,
} from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { JsonValue } from '../core/json.js';
import { exactly } from './doubles.js';
import { effort } from './effort.js';
import { LinearPattern } from './linear-pattern.js';
import { metered, STEPS } from './metered-schema.js';

/** Ajv makes an object for each error, which costs more than the check: an error counts as so many steps. */
const STEPS_OF_ERROR = 5;

/** Spends the steps of a schema before anything else of the schema is checked. */
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

/** Replaces Ajv's own keyword, which compares each pair of items. */
const uniqueItems: FuncKeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  error: { message: 'must not have two items that are the same' },
  validate: (isAsked: boolean, items: readonly JsonValue[]) =>
    !isAsked || new Set(exactly(items).map(canonicalText)).size === items.length,
};

/** How many schemas share one Ajv: a new one takes as long as many schemas, and each keeps something of every schema. */
const SCHEMAS_OF_AJV = 1_000;
/** Keywords of Ajv that are none of the standard. */
const FOREIGN = ['$async', 'discriminator', 'id', 'nullable', STEPS];

/** An Ajv for JSON Schema 2020-12, whose checks take a time that grows with the value alone: callers and upstreams send those. */
export class BoundedAjv {
  private readonly ajv: Ajv2020;
  readonly keywords: ReadonlySet<string>;
  /** How many more schemas it may compile. */
  schemasLeft = SCHEMAS_OF_AJV;

  constructor(allErrors: boolean) {
    // Ajv asks its expressions for no more than `test()` and `toString()`.
    const regExp = Object.assign((pattern: string) => new LinearPattern(pattern), { code: '' });
    this.ajv = new Ajv2020({
      allErrors,
      strictTypes: false,
      strictTuples: false,
      allowMatchingProperties: true,
      ownProperties: true,
      validateFormats: false,
      logger: false,
      code: { regExp },
    });
    this.ajv.removeKeyword('uniqueItems').addKeyword(uniqueItems).addKeyword(steps);
    // Ajv follows anchors, and has forgotten to say so.
    this.ajv.addKeyword('$anchor');
    const { keywords } = this.ajv.RULES;
    this.keywords = new Set(Object.keys(keywords).filter((name) => !FOREIGN.includes(name)));
  }

  /** The errors of a schema by its meta-schema. */
  misfits(schema: AnySchemaObject): readonly ErrorObject[] {
    // It has patterns, which count their steps.
    effort.begin(schema);
    return this.ajv.validateSchema(schema) === true ? [] : (this.ajv.errors ?? []);
  }

  /** @throws {Error} that says what is wrong with the schema */
  compile(schema: JsonValue): ValidateFunction {
    this.schemasLeft -= 1;
    try {
      return this.ajv.compile(metered(schema) as AnySchemaObject);
    } finally {
      // Else no other could have the same $id.
      this.ajv.removeSchema();
    }
  }
}

const current: { first?: BoundedAjv; all?: BoundedAjv } = {};

/** @param errors whether a check returns all errors, or only the first */
export function ajvFor(errors: 'first' | 'all'): BoundedAjv {
  const ajv = current[errors];
  if (ajv && ajv.schemasLeft > 0) return ajv;
  return (current[errors] = new BoundedAjv(errors === 'all'));
}

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
