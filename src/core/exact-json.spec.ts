import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseJson } from './exact-json.js';

describe('parseJson', () => {
  test('reads what JSON.parse reads where a double holds every integer', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        fc.pre(!/\d{16}/.test(text));
        expect(parseJson(text)).toStrictEqual(JSON.parse(text));
      }),
    );
  });

  test('keeps all digits of integers, whatever stands around them', () => {
    const integer = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        integer.filter((value) => !Number.isSafeInteger(Number(value))),
        fc.maxSafeInteger(),
        fc.string({ unit: fc.constantFrom(...Array.from('0123456789-.",: []e')) }),
        fc.array(tie('tree')),
        fc.dictionary(fc.string(), tie('tree'), { noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(tree, fc.constantFrom(undefined, 1), (value, space) => {
        const text = JSON.stringify(value, null, space);
        fc.pre(!text.includes('"__proto__":') && !text.includes('-0'));
        expect(JSON.stringify(parseJson(text), null, space)).toBe(text);
      }),
    );
  });

  test.each<[string, unknown]>([
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['-9007199254740993', -9007199254740993n],
    [' 175928847299117063\n', 175928847299117063n],
    ['1e16', 1e16],
    ['10000000000000001.0', 1e16],
    ['0.1000000000000000055', 0.1],
    ['1.0', 1],
    ['-0', -0],
    ['1e400', Infinity],
    [`1${'0'.repeat(400)}`, Infinity],
    ['"175928847299117063"', '175928847299117063'],
    ['"of 175928847299117063"', 'of 175928847299117063'],
  ])('reads %s as %p', (text, value) => {
    expect(parseJson(text)).toBe(value);
  });

  test.each([
    '{12345678901234567:1}',
    '[012345678901234567]',
    '[1 12345678901234567]',
    '"\\',
    '[12345678901234567',
  ])('refuses %s, as JSON.parse does', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });

  test('reads exponents, members with hostile names, and texts that look like integers beside a long integer', () => {
    const text =
      '[12345678901234567,1e12345678901234567,{"__proto__":[12345678901234568]},"\\"12345678901234567"]';
    expect(JSON.stringify(parseJson(text))).toBe(
      '[12345678901234567,null,{"__proto__":[12345678901234568]},"\\"12345678901234567"]',
    );
  });

  test('takes a time that grows with the text alone, however many digits stand in a row', () => {
    const text = `["${'1'.repeat(5_000_000)}",${'1'.repeat(5_000_000)}]`;
    expect(parseJson(text)).toEqual(['1'.repeat(5_000_000), Infinity]);
  });
});
