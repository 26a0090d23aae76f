import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { effort } from './effort.js';
import { LinearPattern } from './linear-pattern.js';

/** Whether a text fits a pattern, with no bound of the effort but that of every check. */
function fits(pattern: string, text: string): boolean {
  effort.begin(text);
  return new LinearPattern(pattern).test(text);
}

const R = String.raw;

/** Patterns that are made of each other, of all that the syntax has. */
const pattern = fc.letrec<{ all: string; part: string }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(
      'a',
      'b',
      '.',
      '-',
      R`\d`,
      R`\w`,
      R`\s`,
      R`\.`,
      R`\u{1F600}`,
      '😀',
      R`\ud83d\ude00`,
      '^',
      '$',
    ),
    fc.constantFrom(
      '[ab]',
      '[^a]',
      R`[\w.-]`,
      R`[^\]\s]`,
      R`\p{Lu}`,
      R`\P{L}`,
      R`[\p{L}\d]`,
      R`\x61`,
      R`\u0062`,
    ),
    fc.constantFrom(R`\b`, R`\B`, R`\/`, R`\cA`, R`\t`),
    fc
      .tuple(tie('part'), fc.constantFrom('*', '+', '?', '*?', '+?', '{2}', '{0}', '{1,}', '{0,2}', '{1,3}?'))
      .map(([part, times]) => `(?:${part})${times}`),
    fc.tuple(tie('part'), tie('part')).map(([one, other]) => `(${one}|${other})`),
    fc.tuple(tie('part'), tie('part')).map(([one, other]) => one + other),
  ),
  all: fc.oneof(
    tie('part'),
    tie('part').map((part) => `^${part}$`),
    fc.tuple(tie('part'), tie('part')).map(([one, other]) => `^${one}|${other}$`),
  ),
})).all;
const text = fc.oneof(
  fc.string({
    unit: fc.constantFrom('a', 'b', 'A', '1', ' ', '-', '.', '_', '😀', '\ud83d', '\n', 'é'),
    maxLength: 8,
  }),
  fc.string({ unit: 'grapheme', maxLength: 5 }),
);

describe('a pattern that is matched in linear time', () => {
  test('takes what Node’s own expressions take', () => {
    fc.assert(
      fc.property(pattern, text, (source, given) => {
        // V8 finds no \\B, and not always $, behind some characters of two units, although ECMA-262 has them there.
        fc.pre(!/\\b|\$/i.test(source) || !/[\u{10000}-\u{10ffff}]/u.test(given));
        expect(fits(source, given)).toBe(new RegExp(source, 'u').test(given));
      }),
      { numRuns: 3_000 },
    );
  });

  test.each([
    ['(a+)+$', 'a'],
    ['^(a|a)*$', 'a'],
    ['^(a|aa)+$', 'a'],
    [R`^(\w+\s?)*$`, 'a'],
    [R`\s+$`, ' '],
    ['a*a*a*a*b', 'a'],
    ['(x*)*y', 'x'],
    [R`(.*)*=(.*)*$`, 'a'],
  ])('takes steps in proportion to the text, whatever the pattern: %s', (source, unit) => {
    const stepsOf = (length: number): number => {
      effort.begin('');
      const { left } = effort;
      new LinearPattern(source).test(`${unit.repeat(length)}!`);
      return left - effort.left;
    };
    expect(stepsOf(100_000)).toBeLessThan(10_000);
  });

  test('forgets places that are too many, and goes on', () => {
    const source = '(a|b)*a(a|b){14}$';
    const given = Array.from({ length: 60_000 }, (_, at) => ((at * at) % 7 < 3 ? 'a' : 'b')).join('');
    effort.begin('');
    effort.left = Infinity;
    expect(new LinearPattern(source).test(given)).toBe(given.at(-15) === 'a');
  });

  test.each([
    ['(?=a)b', /looks around/],
    ['(?<!a)b', /looks around/],
    [R`(a)\1`, /what a group has matched/],
    [R`(?<n>a)\k<n>`, /what a group has matched/],
    ['(?i:a)', /changes the flags/],
    ['(a{1,100}){1,100}', /too large/],
    ['a{1,100000}', /too large/],
  ])('is none with %s', (source, message) => {
    expect(() => new LinearPattern(source)).toThrow(message);
  });

  test('is none where it is no expression at all', () => {
    expect(() => new LinearPattern('(a')).toThrow(SyntaxError);
  });
});
