import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseJson } from './exact-json.js';
import { JsonError, MAX_DEPTH, toJson } from './json.js';

const KB = 1024;

function codeOf(value: unknown, maxBytes = KB): string {
  try {
    toJson(value, maxBytes);
  } catch (error) {
    if (error instanceof JsonError) return error.code;
    throw error;
  }
  return 'fits';
}

function nested(levels: number): unknown {
  let value: unknown = 'core';
  for (let level = 0; level < levels; level += 1) value = [value];
  return value;
}

describe('toJson', () => {
  test('gives back what JSON would, for any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(!JSON.stringify(value).includes('"__proto__":'));
        expect(toJson(value, 10_000 * KB)).toEqual(parseJson(JSON.stringify(value)));
      }),
    );
  });

  test('counts undefined as null', () => {
    expect(toJson(undefined, KB)).toBeNull();
  });

  test('takes bigints for integers: those that a number holds become numbers', () => {
    const ids = [175928847299117063n, 5n, { id: -9007199254740993n }];
    expect(toJson(ids, KB)).toStrictEqual([175928847299117063n, 5, { id: -9007199254740993n }]);
  });

  test('copies and freezes, so that nobody can change what was recorded', () => {
    const value = { list: [1, { deep: true }] };
    const copy = toJson(value, KB) as typeof value;
    value.list.push(2);
    expect(copy).toEqual({ list: [1, { deep: true }] });
    expect(Object.isFrozen(copy.list[1])).toBe(true);
  });

  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const hostile = {
    toJSON() {
      throw new Error('no');
    },
  };
  test.each([
    ['a bigint past the range of numbers', 10n ** 309n],
    ['a function', () => 1],
    ['a nested symbol', { a: [Symbol('s')] }],
    ['NaN', NaN],
    ['a nested Infinity', [Infinity]],
    ['a map', new Map([[1, 2]])],
    ['a nested set', { set: new Set([1]) }],
    ['a promise', [Promise.resolve(1)]],
    ['an error', new Error('returned, not thrown')],
    ['bytes', new Uint8Array(3)],
    ['a circle', circle],
    ['an object whose toJSON throws', hostile],
    ['an object whose toJSON returns nothing', { toJSON: () => undefined }],
    ['a key __proto__', JSON.parse('{"a":{"__proto__":1}}') as unknown],
    ['too many levels', nested(MAX_DEPTH + 1)],
    ['a hundred thousand levels', nested(100_000)],
  ])('refuses %s', (_what, value) => {
    expect(codeOf(value)).toBe('not-json');
  });

  test('takes as many levels as are allowed', () => {
    expect(codeOf(nested(MAX_DEPTH))).toBe('fits');
  });

  test('bounds the bytes of the UTF-8 text, not its characters', () => {
    expect(codeOf('x'.repeat(KB - 2))).toBe('fits');
    expect(codeOf('x'.repeat(KB - 1))).toBe('too-large');
    expect(codeOf('é'.repeat(KB / 2 - 1))).toBe('fits');
    expect(codeOf('é'.repeat(KB / 2))).toBe('too-large');
  });
});
