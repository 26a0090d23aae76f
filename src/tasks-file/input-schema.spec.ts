import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { inputErrors } from '../core/domain-error.js';
import { inputSchema } from './input-schema.js';

/** What a caller is told of an input. */
function errorsOf(schema: Readonly<Record<string, unknown>>, input: unknown) {
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
});
