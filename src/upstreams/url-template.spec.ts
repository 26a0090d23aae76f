import { unescape } from 'node:querystring';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { JsonValue } from '../core/json.js';
import { UrlTemplate } from './url-template.js';

const target = (template: string, input: unknown) =>
  UrlTemplate.parse(`https://api.example${template}`).target(input);

describe('UrlTemplate', () => {
  test.each([
    ['/a/{id}', { id: 7 }, '/a/7'],
    ['/a/{id}/b', { id: 'x y/z' }, '/a/x%20y%2Fz/b'],
    ['/a/{x}{y}', { x: 'ä', y: true }, '/a/%C3%A4true'],
    ['/a{/ids*}/b', { ids: [1, 2] }, '/a/1/2/b'],
    ['/a{/ids*}/b', {}, '/a/b'],
    ['/a/{ids}', { ids: [1, null, 2] }, '/a/1,2'],
    ['/a/{pairs}', { pairs: { k: 'v', none: null } }, '/a/k,v'],
    ['/a/v{.format}', { format: 'json' }, '/a/v.json'],
    ['/a/x{;page}', { page: 2 }, '/a/x;page=2'],
    ['/a/{name:3}', { name: 'abcdef' }, '/a/abc'],
    ['/a{?q,page,none}', { q: 'x&y', page: '' }, '/a?q=x%26y&page='],
    ['/a{?list*}', { list: ['x', 'y'] }, '/a?list=x&list=y'],
    ['/a?fix=1{&q}', { q: '?' }, '/a?fix=1&q=%3F'],
    ['/a?q={q}', {}, '/a?q='],
    ['', {}, '/'],
    ['/ä?ö', {}, '/%C3%A4?%C3%B6'],
    ['/a%20b/{id}', { id: 'x' }, '/a%20b/x'],
    ['/a//b/', {}, '/a//b/'],
    ['/a?q={q}', { q: '../../x' }, '/a?q=..%2F..%2Fx'],
    ['/.well-known/{a}', { a: '.hidden...x' }, '/.well-known/.hidden...x'],
  ])('expands %s with %j to %s', (template, input, expected) => {
    expect(target(template, input)).toBe(expected);
  });

  test.each([
    ['ftp://h/', 'http:// or https://'],
    ['//h/', 'http:// or https://'],
    ['{scheme}://h/', 'http:// or https://'],
    ['https://{host}/', 'expression in its origin'],
    ['https://h.{zone}/', 'expression in its origin'],
    ['https://h:{port}/', 'expression in its origin'],
    ['https://h{path}', 'expression in its origin'],
    ['https://h{?q}', 'expression in its origin'],
    ['https://user:password@h/', 'user or password'],
    ['https:///a', 'takes a host'],
    ['https://h?q', 'takes a host, then "/"'],
    ['https://h\\@evil/', 'user or password'],
    ['https://h:99999/', 'is no host'],
    ['https://h/{#path}', 'write {path}'],
    ['https://h/{a', 'without its counterpart'],
    ['https://h/a}', 'without its counterpart'],
    ['https://h/{{a}}', 'without its counterpart'],
    ['https://h/{}', 'no expression of RFC 6570'],
    ['https://h/{a.b}', 'no expression of RFC 6570'],
    ['https://h/{a b}', 'no expression of RFC 6570'],
    ['https://h/{|a}', 'no expression of RFC 6570'],
    ['https://h/{a:0}', 'no expression of RFC 6570'],
    ['https://h/a#b', 'fragment'],
    ['http://unix:/run/x.sock', 'Unix socket'],
    ['https://h:/a', 'no port'],
    ['https://h/a b', 'percent-encode'],
    ['https://h/a\r\nb', 'percent-encode'],
    ['https://h/a\\b', 'percent-encode'],
    ['https://h/a/../b', 'dot segment'],
    ['https://h/a/%2E%2e', 'dot segment'],
    ['https://h/a/{/b}', 'writes its own "/"'],
    ['https://h/a{&b}', 'write {?…}'],
  ])('refuses %s', (url, message) => {
    expect(() => UrlTemplate.parse(url)).toThrow(message);
  });

  test('gives the origin as URLs have it, whichever way it was written', () => {
    expect(UrlTemplate.parse('HTTPS://API.Example:443/x').origin).toBe('https://api.example');
    expect(UrlTemplate.parse('http://0x7f.1:8080/').hostname).toBe('127.0.0.1');
    expect(UrlTemplate.parse('http://2130706433/').hostname).toBe('127.0.0.1');
    expect(UrlTemplate.parse('http://①②⑦.0.0.1/').hostname).toBe('127.0.0.1');
    expect(UrlTemplate.parse('http://[::ffff:7f00:1]/').hostname).toBe('::ffff:7f00:1');
  });

  test('takes what is empty for nothing, as RFC 6570 has it', () => {
    for (const tags of [[], {}, [null], { a: null }, null]) {
      expect(target('/a{?tags}', { tags })).toBe('/a');
      expect(target('/a{?tags*,b}', { tags, b: 1 })).toBe('/a?b=1');
    }
    expect(target('/a{?tags}', { tags: '' })).toBe('/a?tags=');
  });

  test('cuts texts after so many characters, not UTF-16 units', () => {
    expect(target('/{q:2}/{q:1}/{q}{?q:3}', { q: '😀b😀' })).toBe(
      '/%F0%9F%98%80b/%F0%9F%98%80/%F0%9F%98%80b%F0%9F%98%80?q=%F0%9F%98%80b%F0%9F%98%80',
    );
    expect(target('/a:12/{q:2}{?n:2,q:9999}', { q: 'abc', n: 123 })).toBe('/a:12/ab?n=12&q=abc');
  });

  describe('with a hostile input', () => {
    test.each([
      ['a dot segment', '..'],
      ['the same segment', '.'],
      ['steps up', '../../admin'],
      ['steps up within', 'a/../../b'],
      ['a step up with a backslash', '..\\admin'],
      ['an encoded step up', '%2e%2e'],
      ['a half encoded step up', '.%2E'],
      ['an encoded step and slash', '%2e%2e%2fadmin'],
      ['a step up encoded twice', '%252e%252e%252fadmin'],
      ['a step up with a parameter', '..;x=1'],
      ['a step up before a null byte', '..\0'],
      ['nothing', ''],
      ['null', null],
      ['nothing in a list', []],
      ['an object in an object', { a: { b: 1 } }],
      ['a list in a list', [['a']]],
      ['a lone surrogate', '\ud800'],
      ['an object that says what it is', { toString: { call: 1 } }],
    ])('refuses %s for a segment, for good', (_what, id) => {
      expect(() => target('/files/{id}/raw', { id })).toThrow(
        expect.objectContaining({
          options: { code: 'upstream-forbidden', retry: false },
        }),
      );
    });

    test('refuses dot segments that only several values or a literal add up to', () => {
      for (const [template, input] of [
        ['/{x}{y}', { x: '.', y: '.' }],
        ['/.{x}', { x: '.' }],
        ['/a{/x*}', { x: ['b', '..', 'c'] }],
        ['/a{/x*}', { x: ['b', '', 'c'] }],
        ['/{.x}', { x: '.' }],
      ] as const)
        expect(() => target(template, input)).toThrow(/dot segment|empty/);
    });

    test.each([
      ['another host', '//evil.example/', '/files/%2F%2Fevil.example%2F/raw'],
      ['a user', '@evil.example', '/files/%40evil.example/raw'],
      ['a URL', 'http://169.254.169.254/', '/files/http%3A%2F%2F169.254.169.254%2F/raw'],
      ['a query and fragment', 'a?b#c', '/files/a%3Fb%23c/raw'],
      ['a line break', 'a\r\nHost: evil', '/files/a%0D%0AHost%3A%20evil/raw'],
      ['a Unicode line break', 'a\u2028b', '/files/a%E2%80%A8b/raw'],
      ['Unicode dots', '\uff0e\uff0e', '/files/%EF%BC%8E%EF%BC%8E/raw'],
      ['backslashes', '\\\\evil', '/files/%5C%5Cevil/raw'],
      ['another expression', '{+path}', '/files/%7B%2Bpath%7D/raw'],
      ['a huge number', 1e308, '/files/1e%2B308/raw'],
      ['false', false, '/files/false/raw'],
    ])('encodes %s', (_what, id, expected) => {
      expect(target('/files/{id}/raw', { id })).toBe(expected);
    });

    test('takes own members alone for variables', () => {
      for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
        expect(() => target(`/a/{${name}}`, {})).toThrow('empty');
        expect(target(`/a{?${name}}`, {})).toBe('/a');
        expect(target(`/a/{${name}}`, JSON.parse(`{"${name}":"x"}`))).toBe('/a/x');
      }
      for (const input of [null, 'text', 3, true, [1], undefined])
        expect(target('/a{?length,x}', input)).toMatch(/^\/a(\?length=1)?$/);
    });

    test('leaves out a query that comes to nothing', () => {
      expect(target('/a{?all*}', { all: { '': '' } })).toBe('/a');
      expect(target('/a{?all*,b}', { all: { '': '' }, b: 1 })).toBe('/a?&b=1');
    });

    test.each([
      ['/files/{+path}/raw', { path: 'a/b;c=d,e' }, '/files/a/b;c=d,e/raw'],
      ['/files/{+path}', { path: 'a?b#c&d e%2f%zz/é' }, '/files/a%3Fb%23c%26d%20e%2f%25zz/%C3%A9'],
      ['/a?fields={+fields}&end', { fields: ['x:y', 'z(1)'] }, '/a?fields=x:y,z(1)&end'],
      ['/a{?b}&c={+c}{&d}', { b: ',', c: 'x=1&y?#', d: '&' }, '/a?b=%2C&c=x=1%26y%3F%23&d=%26'],
      ['/a?q={+q:3}', { q: '😀:/x' }, '/a?q=%F0%9F%98%80:/'],
    ])('brings reserved characters as they are with %s', (template, input, expected) => {
      expect(target(template, input)).toBe(expected);
    });

    test.each(['../b', 'a/../b', 'a/%2e%2E', '/a', 'a//b', 'a/', '', '.'])(
      'is refused where {+path} would bring %j',
      (path) => {
        expect(() => target('/files/{+path}/raw', { path })).toThrow(/empty|dot segment/);
      },
    );

    test('changes neither the origin nor the segments of the path, whatever it is', () => {
      const tricky = fc.constantFrom(
        '..',
        '.',
        '/',
        '\\',
        '%2e',
        '%2f',
        '//evil',
        '@',
        ':',
        '\r\n',
        '?',
        '#',
        '{+x}',
        ';',
        '%',
        '\0',
        '\ud800',
      );
      const text = fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.array(tricky).map((parts) => parts.join('')),
      );
      const value = fc.oneof(
        text,
        fc.jsonValue() as fc.Arbitrary<JsonValue>,
        fc.array(text),
        fc.dictionary(text, text),
      );
      const input = fc.record({ a: value, b: value, c: value }, { requiredKeys: [] });
      const template = UrlTemplate.parse('https://api.example:8443/one/{a}/v{b}/two{?b,c*}');
      fc.assert(
        fc.property(input, (given) => {
          let path: string;
          try {
            path = template.target(given);
          } catch (error) {
            expect(error).toMatchObject({ options: { code: 'upstream-forbidden', retry: false } });
            return;
          }
          const url = new URL(template.origin + path);
          expect(url.origin).toBe('https://api.example:8443');
          // As it was: the parser has found no dot segment, nothing to encode, and no fragment.
          expect(url.pathname + url.search).toBe(path);
          expect(
            url.pathname.split('/').map((step, index) => (index === 2 ? 'a' : step.replace(/^v.+$/, 'v'))),
          ).toEqual(['', 'one', 'a', 'v', 'two']);
          expect(unescape(unescape(url.pathname)).split(/[/\\]/)).not.toContain('..');
        }),
        { numRuns: 2_000 },
      );
    });
  });
});
