import { describe, expect, test } from '@jest/globals';
import { stepsOf, valueAt } from './json-pointer.js';

/** The document of RFC 6901, section 5, and what its pointers lead to. */
const DOCUMENT = {
  foo: ['bar', 'baz'],
  '': 0,
  'a/b': 1,
  'c%d': 2,
  'e^f': 3,
  'g|h': 4,
  'i\\j': 5,
  'k"l': 6,
  ' ': 7,
  'm~n': 8,
};

describe('a JSON Pointer', () => {
  test.each<[string, unknown]>([
    ['', DOCUMENT],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('%j leads to %j', (pointer, value) => {
    expect(valueAt(DOCUMENT, stepsOf(pointer))).toEqual(value);
  });

  test.each([
    '/foo/00',
    '/foo/01',
    '/foo/-',
    '/foo/+1',
    '/foo/1e0',
    '/foo/ 1',
    '/foo/2',
    '/foo/length',
    '/foo/0/0',
    '/foo/',
  ])('%j leads to nothing', (pointer) => {
    expect(valueAt(DOCUMENT, stepsOf(pointer))).toBeUndefined();
  });

  test('leads to own members alone', () => {
    expect(valueAt({}, stepsOf('/constructor'))).toBeUndefined();
  });
});
