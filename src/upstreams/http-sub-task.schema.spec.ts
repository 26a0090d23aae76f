import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { FUNCTIONS } from '../expressions/expression.js';
import { environmentIssues } from './environment.js';
import { httpRequestSchema } from './http-sub-task.schema.js';
import { HttpSubTask } from './http-sub-task.js';
import { Upstreams } from './upstreams.js';

const URL = 'https://api.example/{id}';

/** What is wrong, by the path of the member that is. */
function issues(options: object): Record<string, string> {
  const { error } = httpRequestSchema.safeParse({ url: URL, ...options });
  return Object.fromEntries((error?.issues ?? []).map(({ path, message }) => [path.join('/'), message]));
}

describe('the functions of expressions', () => {
  test('are all that JSONata has, but for $eval', () => {
    const source = readFileSync(createRequire(import.meta.url).resolve('jsonata'), 'utf8');
    const bound = [...source.matchAll(/ [a-zA-Z]*(?:Frame|nvironment)\.bind\('(\w+)', defineFunction/g)];
    expect(FUNCTIONS).toEqual(
      bound.flatMap(([, name = '']) => (name === 'eval' ? [] : [name])).sort((a, b) => (a < b ? -1 : 1)),
    );
  });
});

describe('the options of an HTTP sub-task', () => {
  test.each([
    ['url', { url: 'https://{host}/' }, 'expression in its origin'],
    ['url', { url: 'http://169.254.169.254/latest' }, 'allowPrivate: true'],
    ['url', { url: 'http://[::1]/' }, 'allowPrivate: true'],
    ['url', { url: 'http://0x7f000001/' }, '127.0.0.1 is no public address'],
    ['url', { url: 'http://localhost:3000/' }, 'allowPrivate: true'],
    ['url', { url: 7 }, 'expected string'],
    ['method', { method: 'get' }, 'GET'],
    ['headers/Host', { headers: { Host: 'evil' } }, 'take it out'],
    ['headers/content-length', { headers: { 'content-length': '3' } }, 'take it out'],
    ['headers/Transfer-Encoding', { headers: { 'Transfer-Encoding': 'chunked' } }, 'take it out'],
    ['headers/Connection', { headers: { Connection: 'close' } }, 'take it out'],
    ['headers/Proxy-Authorization', { headers: { 'Proxy-Authorization': 'x' } }, 'take it out'],
    ['headers/X Y', { headers: { 'X Y': 'z' } }, 'no name of a header'],
    ['headers/a', { headers: { A: '1', a: '2' } }, 'is there twice'],
    ['headers/A', { headers: { A: 'x\r\nB: y' } }, 'line break'],
    ['headers/A', { headers: { A: '${no-name}' } }, 'names no environment variable'],
    ['headers/A', { headers: { A: '{no-name}' } }, 'names no member'],
    ['headers/A', { headers: { A: 'x}' } }, 'has a "}"'],
    ['headers/A', { headers: { A: '{+no-name}' } }, 'names no member'],
    ['text', { method: 'POST', text: 'of {+name}' }, 'nothing is encoded here; write {name}'],
    ['url', { url: 'https://${no-name}/' }, 'names no environment variable'],
    ['body/q', { method: 'POST', body: { q: 'query { me }' } }, '{{ me }} for literal braces'],
    ['body/0/q', { method: 'POST', body: [{ q: '{me{name}}' }] }, 'has a "{"'],
    ['body', { method: 'POST', body: '${0}' }, 'names no environment variable'],
    ['headers/Content-Type', { headers: { 'Content-Type': 'text/xml' } }, 'takes application/json'],
    [
      'headers/content-type',
      { method: 'POST', form: {}, headers: { 'content-type': 'multipart/form-data' } },
      'takes application/x-www-form-urlencoded',
    ],
    ['form', { form: { a: 1 } }, 'write method: POST'],
    ['form', { method: 'POST', form: { a: 1 }, body: 1 }, 'is a second body, beside body'],
    ['text', { method: 'PUT', form: { a: 1 }, text: 'a' }, 'is a second body, beside form'],
    ['form/a', { method: 'POST', form: { a: { b: 1 } } }, 'takes a text, a number, a boolean or a list'],
    ['form/a/1', { method: 'POST', form: { a: ['{b}', '{'] } }, 'has a "{"'],
    ['text', { method: 'POST', text: 'query { me }' }, '{{ me }} for literal braces'],
    ['headers/A', { headers: { A: '{header.no name}' } }, 'names no member'],
    ['text', { method: 'POST', text: '{header.a}' }, 'taken in headers alone'],
    ['url', { url: 'https://api.example/{header.a}' }, 'no expression of RFC 6570'],
    ['forwardHeaders/1', { forwardHeaders: ['A', 'a'] }, 'a is there twice'],
    ['forwardHeaders/0', { headers: { A: '1' }, forwardHeaders: ['a'] }, 'is among headers too'],
    ['forwardHeaders/0', { forwardHeaders: ['a b'] }, 'no name of a header'],
    ...['Host', 'content-length', 'Connection', 'TE', 'content-type', 'traceparent', 'Accept-Encoding'].map(
      (name) => ['forwardHeaders/0', { forwardHeaders: [name] }, 'take it out'] as const,
    ),
    ['body', { body: { a: 1 } }, 'write method: POST'],
    ['expect/body/type', { expect: { body: { type: 'objekt' } } }, 'must be equal to one of'],
    ['expect/body/requried', { expect: { body: { requried: ['a'] } } }, 'is required meant?'],
    ['expect/body', { expect: { body: 'object' } }, 'takes a JSON Schema'],
    [
      'expect/body/$ref',
      { expect: { body: { $ref: 'https://elsewhere.example/schema' } } },
      'nothing is fetched',
    ],
    ['expect/status/0', { expect: { status: [100] } }, '>=200'],
    ['expect/when', { expect: { when: 'a = 1' } }, 'takes an expression in JSONata such as {%'],
    [
      'expect/when',
      { expect: { when: '{% a = %}' } },
      'is no JSONata: Unexpected end of expression, at char',
    ],
    ['as', { as: 'xml' }, '"base64"'],
    ['as', { method: 'HEAD', as: 'text' }, 'method: GET'],
    ['result', { as: 'text', result: { a: '/a' } }, 'read as text; take as out'],
    ['result', { result: 'a/b' }, 'JSON Pointer'],
    ['result', { result: '/a~2' }, 'JSON Pointer'],
    ['result', { result: ['/a'] }, 'a constant list is { const: […] }'],
    ['result', { result: null }, 'a constant is { const: … }'],
    ['result', { result: {} }, 'at least one member'],
    ['result/a', { result: { a: 'eu', b: '/b' } }, 'a constant text is { const: … }'],
    ['result/a/pointer', { result: { a: { pointer: 'b' } } }, 'takes a JSON Pointer'],
    ['result/a/or', { result: { a: { pointer: '/b', or: 1 } } }, 'takes default alone'],
    ['result/default', { result: { const: 1, default: 2 } }, 'beside const'],
    ['result/a/b', { result: { a: { b: '{% $sun(c) %}' } } }, 'has $sun, which nothing sets; is $sum meant?'],
    ['result', { result: '{% $inputs.id %}' }, 'is $input meant?'],
    ['result', { result: '{% $eval(a) %}' }, 'calls $eval, which is not taken'],
    ['result', { result: '{% $match(a, /(/) %}' }, 'is no JSONata'],
    ['result', { result: '{% id = 9007199254740993 %}' }, 'is past 2^53 - 1 and loses digits'],
    ['result', { method: 'HEAD', result: '/a' }, 'method: GET'],
    ['expect/body', { method: 'HEAD', expect: { body: true } }, 'method: GET'],
    ['final/1', { final: [400, 500] }, '<=499'],
    ['final', { final: [] }, '>=1'],
    ['redirects/1', { redirects: ['https://b.example', 'https://b.example/path'] }, 'without a path'],
    ['redirects/0', { redirects: ['ftp://b.example'] }, 'http or https'],
    ['maxResponse', { maxResponse: '1gb' }, 'at most 100mb'],
    ['maxResponse', { maxResponse: '101mb' }, 'at most 100mb'],
    ['maxResponse', { maxResponse: '0' }, 'at most 100mb'],
    ['stream', { stream: 'xml' }, '"ndjson"'],
    ['stream', { stream: 'sse', method: 'HEAD' }, 'method: GET'],
    ...['chunk', 'end', 'wins', 'firstChunk', 'idle'].map((name) => {
      const value = { chunk: '/a', end: '[DONE]', wins: '{% a %}' }[name] ?? '2s';
      return [name, { [name]: value }, 'is for streams; write stream: sse, ndjson or bytes'] as const;
    }),
    ['chunk', { stream: 'bytes', chunk: '/a' }, 'bytes have none'],
    ['end', { stream: 'bytes', end: '[DONE]' }, 'bytes have none'],
    ['chunk', { stream: 'sse', chunk: 'a' }, 'takes a JSON Pointer'],
    ['chunk', { stream: 'sse', chunk: '{% a = %}' }, 'is no JSONata'],
    ['wins', { stream: 'sse', wins: '/a' }, 'takes an expression in JSONata such as {%'],
    [
      'wins',
      { stream: 'sse', wins: '{% $input.a %}' },
      'has $input, which nothing sets; there are functions alone',
    ],
    ['idle', { stream: 'sse', idle: '0s' }, 'takes more than 0'],
    ['firstChunk', { stream: 'sse', firstChunk: 'soon' }, 'duration'],
    ['result', { stream: 'sse', result: '/a' }, 'a stream has none; take it out: chunk says what'],
    ['as', { stream: 'sse', as: 'json' }, 'a stream has none; take it out: stream says what'],
    ['expect/body', { stream: 'sse', expect: { body: true } }, 'a stream has none; take it out'],
    ['expect/when', { stream: 'sse', expect: { when: '{% a %}' } }, 'a stream has none; take it out'],
  ])('are refused at %s: %j', (path, options, message) => {
    const found = issues(options);
    expect(Object.keys(found)).toEqual([path]);
    expect(found[path]).toContain(message);
  });

  test('are taken with everything that they may have', () => {
    const options = {
      url: 'http://127.0.0.1:8080/a/{id}{?q}',
      method: 'POST',
      headers: {
        Authorization: 'Bearer ${TOKEN}',
        'X-T': '{id}-{q}',
        'Content-Type': 'application/vnd.a+json',
      },
      forwardHeaders: ['Accept-Language', 'Cookie'],
      body: ['{id}', { q: 'of {q}' }],
      expect: {
        status: [200, 204, 404],
        when: '{% a in $input.b %}',
        body: { type: 'object', properties: { at: { type: 'string', format: 'date' } } },
      },
      as: 'json',
      result: {
        a: '/a~1b/0',
        b: { pointer: '/b', default: [] },
        c: { const: ['/'] },
        d: 1,
        e: '{% ($x := 1; items@$i#$n[$i.a = $input.b].{ "f": $map($, function($v) { $v + $x + $n }) }) %}',
      },
      final: [400, 422],
      allowPrivate: true,
      maxResponse: '10 MB',
    };
    expect(httpRequestSchema.parse(options)).toEqual(options);
    const streaming = {
      url: 'https://api.example/',
      stream: 'sse',
      expect: { status: [200] },
      chunk: "{% $status = 200 ? $input.a & $headers.b & text : '' %}",
      end: '[DONE]',
      wins: '{% $length($trim($)) > 0 %}',
      firstChunk: '2s',
      idle: '10s',
    };
    expect(httpRequestSchema.parse(streaming)).toEqual(streaming);
  });

  test('tell editors of every member what it is for', () => {
    const { properties = {} } = z.toJSONSchema(httpRequestSchema);
    for (const [name, member] of Object.entries(properties))
      expect(member).toMatchObject({
        description: expect.stringMatching(/.{10}/),
        ...(name !== 'expect' && { examples: expect.arrayContaining([expect.anything()]) }),
      });
  });

  test('name the environment variables that are missing, and never tell the value of one', () => {
    const options = httpRequestSchema.parse({
      url: URL,
      headers: { Authorization: 'Bearer ${TOKEN}', 'X-Key': '${KEY}${EMPTY}' },
    });
    const environment = { KEY: 'line\nbreak', EMPTY: '' };
    expect(environmentIssues(options, environment)).toEqual([
      { path: ['headers', 'Authorization'], message: expect.stringContaining('TOKEN, which is not set') },
      {
        path: ['headers', 'X-Key'],
        message: expect.stringMatching(/^((?!line).)*line break((?!line).)*$/),
      },
      { path: ['headers', 'X-Key'], message: expect.stringContaining('not set') },
    ]);
    expect(() => new HttpSubTask(options, new Upstreams(), environment)).toThrow(
      'headers.Authorization of https://api.example/{id} takes the environment variable TOKEN, which is not set; set it',
    );
    expect(
      () => new HttpSubTask(options, new Upstreams(), { TOKEN: 'a', KEY: 'b', EMPTY: 'c' }),
    ).not.toThrow();
  });

  test.each([
    ['https://${HOST}/', '10.0.0.7', 'no public address'],
    ['https://${HOST}:${HOST}/', 'a.example', 'is no URL'],
    ['https://${HOST}/', 'a.example/{id}', 'is no URL'],
    ['https://${HOST}/', 'user@a.example', 'is no URL'],
    ['${HOST}/v1', 'a.example', 'is no URL'],
    ['https://a.example/${HOST}/', '..', 'is no URL'],
  ])('are refused where %s has a variable that is %s', (url, HOST, message) => {
    const issues = environmentIssues(httpRequestSchema.parse({ url }), { HOST });
    expect(issues).toEqual([{ path: ['url'], message: expect.stringContaining(message) }]);
    expect(issues[0]?.message).not.toContain(HOST);
  });
});
