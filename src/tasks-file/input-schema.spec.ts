import { describe, expect, jest, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { z } from 'zod';
import { inputErrors } from '../core/domain-error.js';
import { parseJson } from '../core/exact-json.js';
import type { JsonValue } from '../core/json.js';
import { effort } from '../json-schema/effort.js';
import { inputSchema } from './input-schema.js';

/** What a caller is told of an input. */
function errorsOf(schema: Readonly<Record<string, JsonValue>>, input: unknown) {
  const parsed = inputSchema(schema).zodSchema!.safeParse(input);
  return inputErrors(parsed.error?.issues ?? [], '/input');
}

const CITY = {
  type: 'object',
  required: ['city'],
  properties: { city: { type: 'string' }, 'a/b': { items: { type: 'integer' } } },
  additionalProperties: false,
};

describe('a JSON Schema of inputs', () => {
  test('takes what fits it, as it is', () => {
    const input = { city: 'Oslo' };
    expect(inputSchema(CITY).zodSchema!.parse(input)).toBe(input);
  });

  test('tells of all that doesn’t fit by JSON Pointers, as the schemas of the code do', () => {
    expect(errorsOf(CITY, { 'a/b': [1, 'x'], more: 1 })).toEqual([
      { pointer: '/input/city', detail: 'is missing' },
      { pointer: '/input/more', detail: 'is not known here' },
      { pointer: '/input/a~1b/1', detail: 'must be integer' },
    ]);
    expect(errorsOf(CITY, 'Oslo')).toEqual([{ pointer: '/input', detail: 'must be object' }]);
    expect(errorsOf({ properties: { a: true }, unevaluatedProperties: false }, { b: 1 })).toEqual([
      { pointer: '/input/b', detail: 'is not known here' },
    ]);
  });

  test('takes a bigint for the integer that it is, and tells items apart that are the same as doubles', () => {
    const ids = parseJson('[9007199254740993,9007199254740992,3]');
    const schema = { items: { type: 'integer', minimum: 3, maximum: 1e300 }, uniqueItems: true };
    expect(inputSchema(schema).zodSchema!.parse(ids)).toBe(ids);
    expect(errorsOf({ items: { maximum: 2 ** 40, type: 'string' } }, { ids })).toEqual([]);
    expect(errorsOf({ properties: { ids: { items: { maximum: 2 ** 53 - 1 } } } }, { ids })).toEqual([
      { pointer: '/input/ids/0', detail: 'must be <= 9007199254740991' },
      { pointer: '/input/ids/1', detail: 'must be <= 9007199254740991' },
    ]);
    const twice: unknown = parseJson('[9007199254740993,9007199254740993]');
    expect(errorsOf({ uniqueItems: true }, twice)).toHaveLength(1);
  });

  test.each<[object, string, string]>([
    [{ items: { $dynamicRef: '#a' }, $dynamicAnchor: 'a' }, 'items/$dynamicRef', 'is not taken; write $ref'],
    [{ $recursiveRef: '#' }, '$recursiveRef', 'is not taken; write $ref'],
    [{ anyOf: [{ $ref: '#' }, { $ref: '#' }] }, '', 'refers to itself without a step into the value'],
    [{ $defs: { a: { $anchor: 'a', not: { $ref: '#a' } } } }, '$defs/a', 'refers to itself without a step'],
    [{ items: { requried: [] } }, 'items/requried', 'would check nothing; is required meant?'],
    [
      { nullable: true },
      'nullable',
      'is no keyword of JSON Schema 2020-12 and would check nothing; take it out',
    ],
    [{ items: { if: true } }, 'items/if', 'does nothing without then or else'],
    [{ minContains: 1 }, 'minContains', 'does nothing without contains'],
    [
      { not: { $ref: '#/$defs/b' }, $defs: { a: true } },
      'not/$ref',
      'leads to nothing in this schema; there are #/$defs/a',
    ],
    [{ not: { $ref: '#b' } }, 'not/$ref', 'nothing is fetched; copy it into $defs'],
    [
      { $schema: 'http://json-schema.org/draft-07/schema#' },
      '$schema',
      'takes https://json-schema.org/draft/2020-12',
    ],
    [{ type: 'string', enum: [] }, '', 'is not taken: enum must have non-empty array'],
  ])('is refused where a check would fail or check nothing: %j', (schema, path, message) => {
    const { flaws = [] } = inputSchema(schema as never);
    expect(flaws.map((flaw) => flaw.path.join('/'))).toEqual([path]);
    expect(flaws[0]?.message).toContain(message);
  });

  test('may have anchors, a draft, and members that a pattern fits, too', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'https://a.example/same',
      $ref: '#node',
      $defs: {
        node: {
          $anchor: 'node',
          properties: { ab: { $ref: '#node' } },
          patternProperties: { '^a': { type: 'object' } },
        },
      },
    };
    // As the first schema of a process finds it.
    effort.left = 0;
    // The same $id again: each schema is by itself.
    for (const again of [schema, structuredClone(schema)])
      expect(errorsOf(again, { ab: { ab: 1 } })).toEqual([
        { pointer: '/input/ab/ab', detail: 'must be object' },
      ]);
  });

  test('shares what checks it with other schemas, as making that takes much longer than a schema', () => {
    const made = jest.spyOn(Ajv2020.prototype, 'addVocabulary');
    for (let n = 0; n < 400; n += 1) inputSchema({ required: [`a${n}`] });
    const times = made.mock.calls.length;
    made.mockRestore();
    expect(times).toBeLessThan(40);
  });

  test('takes own members alone for members', () => {
    for (const name of ['constructor', 'toString'])
      expect(errorsOf({ required: [name] }, {})).toHaveLength(1);
  });

  test('tells of a hundred things at most', () => {
    expect(errorsOf({ items: { type: 'string' } }, Array(200).fill(1))).toHaveLength(100);
  });

  test('has formats for notes alone', () => {
    expect(errorsOf({ type: 'string', format: 'email' }, 'nobody')).toEqual([]);
  });

  test.each([{ ...CITY, title: 'A place' }, { $ref: '#/$defs/c', $defs: { c: { type: 'string' } } }, {}])(
    'is shown as it is: %j',
    (schema) => {
      const { zodSchema } = inputSchema(schema);
      const { $schema: _, ...shown } = z.toJSONSchema(zodSchema!, { io: 'input', unrepresentable: 'any' });
      expect(shown).toEqual(schema);
    },
  );

  test('follows references within it', () => {
    const list = {
      $ref: '#/$defs/list',
      $defs: { list: { properties: { next: { $ref: '#/$defs/list' } }, type: 'object' } },
    };
    expect(errorsOf(list, { next: { next: 5 } })).toEqual([
      { pointer: '/input/next/next', detail: 'must be object' },
    ]);
  });

  describe('costs no more than inputs are worth', () => {
    const TOO_LONG = [{ pointer: '/input', detail: expect.stringMatching(/takes too long to check/) }];
    /** `{ "a": { "a": … } }` */
    const nested = (levels: number): JsonValue => (levels === 0 ? 1 : { a: nested(levels - 1) });

    test('where it refers to itself twice, which doubles with every level', () => {
      const a = { properties: { a: { $ref: '#' } } };
      const schema = { anyOf: [{ type: 'string' }, { ...a, required: ['b'] }, { ...a, required: ['c'] }] };
      expect(errorsOf(schema, nested(3)).length).toBeGreaterThan(3);
      expect(errorsOf(schema, nested(90))).toEqual(TOO_LONG);
    });

    test('where many alternatives meet many items', () => {
      const schema = { items: { anyOf: Array.from({ length: 1_000 }, (_, at) => ({ const: `${at}` })) } };
      expect(errorsOf(schema, Array(50).fill('999'))).toEqual([]);
      expect(errorsOf(schema, Array(50_000).fill(1))).toEqual(TOO_LONG);
    });

    test('where a schema is simple, whatever the input is', () => {
      const schema = {
        items: { type: 'object', properties: { a: { type: 'string', maxLength: 5 } }, required: ['a'] },
      };
      expect(errorsOf(schema, Array(200_000).fill({ a: 'abc' }))).toEqual([]);
    });

    test('where items are unique: each is looked at once', () => {
      const schema = { uniqueItems: true };
      const many = Array.from({ length: 30_000 }, (_, at) => ({ n: at, of: ['many'] }));
      expect(errorsOf(schema, many)).toEqual([]);
      expect(errorsOf(schema, [...many, { of: ['many'], n: 7 }])).toEqual([
        { pointer: '/input', detail: 'must not have two items that are the same' },
      ]);
      expect(errorsOf(schema, [1, '1', true, null, [1], { a: 1 }, [[1]]])).toEqual([]);
      expect(errorsOf({ uniqueItems: false }, [1, 1])).toEqual([]);
    });

    test('where patterns repeat what they repeat', () => {
      const schema = { pattern: '^(a+)+$', patternProperties: { '^(b|b)+$': { type: 'integer' } } };
      expect(errorsOf(schema, `${'a'.repeat(90_000)}!`)).toHaveLength(1);
      expect(errorsOf(schema, { [`${'b'.repeat(90_000)}!`]: 'x' })).toEqual([]);
      expect(errorsOf(schema, { bb: 'x' })).toEqual([{ pointer: '/input/bb', detail: 'must be integer' }]);
    });
  });

  test('has no pattern that looks around or refers back, wherever it stands', () => {
    const schema = {
      properties: { a: { pattern: '(?=b)' } },
      items: { anyOf: [true, { pattern: '(a)\\1' }] },
      patternProperties: { '(': true },
    };
    expect(inputSchema(schema).flaws).toEqual([
      { path: ['patternProperties', '('], message: expect.stringMatching(/Unterminated group/) },
      { path: ['properties', 'a', 'pattern'], message: expect.stringMatching(/looks around/) },
      { path: ['items', 'anyOf', 1, 'pattern'], message: expect.stringMatching(/refers to what a group/) },
    ]);
  });
});
