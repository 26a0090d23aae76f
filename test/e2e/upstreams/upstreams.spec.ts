import type { RequestListener, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Caller } from '../../support/http-sub-task.js';
import { bytes, json, misbehaviours } from '../../support/upstreams.js';

describe('HTTP sub-tasks', () => {
  let caller: Caller;
  beforeEach(async () => void (caller = await Caller.create()));
  afterEach(() => caller.close());

  describe('an HTTP sub-task', () => {
    test('asks with what the input makes of its templates, and results in the JSON that it gets', async () => {
      const server = await caller.serve(json({ price: 3 }));
      const subTask = caller.subTask(
        {
          url: `${server.origin}/shops/{shop}/prices{?item}`,
          method: 'POST',
          headers: { Authorization: 'Bearer ${TOKEN}', 'X-Tenant': 't-{shop}', 'X-Absent': '{nobody}' },
          body: { wanted: '{item}', note: 'of {shop}', list: ['{count}', '{nobody}'], none: '{nobody}' },
        },
        { TOKEN: 's3cret-token' },
      );
      expect(await caller.call(subTask, { input: { shop: 'a b', item: 'x&y', count: 2 } })).toEqual({
        price: 3,
      });
      const [request] = server.requests;
      expect(request).toMatchObject({
        method: 'POST',
        target: '/shops/a%20b/prices?item=x%26y',
        headers: {
          authorization: 'Bearer s3cret-token',
          'x-tenant': 't-a%20b',
          'content-type': 'application/json',
          'idempotency-key': 'run/sub-task',
          'accept-encoding': 'gzip, br, deflate',
        },
      });
      expect(request?.headers['x-absent']).toBeUndefined();
      expect(JSON.parse(request?.body ?? '')).toEqual({ wanted: 'x&y', note: 'of a b', list: [2, null] });
    });

    test('keeps all digits of integers in the URL, headers and body, and in what it gets', async () => {
      const server = await caller.serve(
        bytes('{"ids":[9007199254740993,1]}', { 'content-type': 'application/json' }),
      );
      const options = {
        url: `${server.origin}/{id}{?ids*}`,
        method: 'POST',
        headers: { 'X-Id': '{id}' },
        body: { id: '{id}', text: 'of {id}' },
        expect: { body: { properties: { ids: { items: { type: 'integer' } } } } },
        result: '/ids',
      };
      const input = { id: 175928847299117063n, ids: [9007199254740993n, 2] };
      expect(await caller.call(options, { input })).toEqual([9007199254740993n, 1]);
      await caller.call({ url: `${server.origin}/`, method: 'PUT' }, { input });
      const [made, whole] = server.requests;
      expect(made).toMatchObject({
        target: '/175928847299117063?ids=9007199254740993&ids=2',
        headers: { 'x-id': '175928847299117063' },
        body: '{"id":175928847299117063,"text":"of 175928847299117063"}',
      });
      expect(whole?.body).toBe('{"id":175928847299117063,"ids":[9007199254740993,2]}');
    });

    test('takes variables of the environment in the host, path, query and body, and tells them to nobody else', async () => {
      const server = await caller.serve((request, response) => {
        response.writeHead(500).end(`${String(request.headers.host)} has no ${String(request.url)}`);
      });
      const [PORT = ''] = /\d+$/.exec(server.origin) ?? [];
      const PATH_KEY = 'k/{id}?';
      const subTask = caller.subTask(
        {
          url: 'http://${HOST}:${PORT}/${PATH_KEY}/{id}?key=${QUERY_KEY}',
          method: 'POST',
          body: { key: '${QUERY_KEY}', text: '${{x}} {{{id}}} of ${PATH_KEY}', id: ['{id}', '{{id}}'] },
        },
        { HOST: '127.0.0.1', PORT, PATH_KEY, QUERY_KEY: 'a b&c' },
      );
      const { message, options } = await caller.failure(subTask, { input: { id: 7 } });
      const [request] = server.requests;
      expect(request?.target).toBe('/k%2F%7Bid%7D%3F/7?key=a%20b%26c');
      expect(JSON.parse(request?.body ?? '')).toEqual({
        key: 'a b&c',
        text: '${x} {7} of k/{id}?',
        id: [7, '{id}'],
      });
      expect(message).toBe('http://[redacted] answered 500');
      expect(options.upstream?.excerpt).toBe('[redacted] has no /[redacted]/7?key=[redacted]');
      const whole = caller.subTask({ url: '${BASE}/{id}' }, { BASE: `${server.origin}/secret/path/` });
      const failure = await caller.failure(whole, { input: { id: 7 } });
      expect(server.requests[1]?.target).toBe('/secret/path/7');
      expect(failure.options.upstream?.excerpt).not.toContain('secret');
    });

    test('sends the input as the body of a POST that names none, and none with GET and DELETE', async () => {
      const server = await caller.serve(json(null));
      for (const method of ['POST', 'GET', 'DELETE'])
        await caller.call({ url: `${server.origin}/`, method }, { input: { a: 1 } });
      expect(server.requests.map(({ body }) => body)).toEqual(['{"a":1}', '', '']);
      expect(server.requests.map(({ headers }) => headers['idempotency-key'])).toEqual([
        'run/sub-task',
        undefined,
        'run/sub-task',
      ]);
    });

    test('takes half of a surrogate pair in a header for a failure for good, and leaves out a header without a value', async () => {
      const server = await caller.serve(json(1));
      const subTask = caller.subTask({ url: `${server.origin}/`, headers: { 'X-Tag': 'of {tag}' } });
      const { message, options } = await caller.failure(subTask, { input: { tag: '\ud83d' } });
      expect(options).toEqual({ code: 'upstream-forbidden', retry: false });
      expect(message).toContain('no well-formed Unicode');
      for (const tag of ['', []]) await caller.call(subTask, { input: { tag } });
      expect(server.requests.map(({ headers }) => headers['x-tag'])).toEqual(['of', undefined]);
    });

    test('asks again and again over the same connections', async () => {
      const server = await caller.serve(json(1));
      const subTask = caller.subTask({ url: `${server.origin}/` });
      for (let n = 0; n < 20; n += 1) await caller.call(subTask);
      // The last is free again a turn of the event loop after its response.
      expect(server.connections).toBeLessThanOrEqual(2);
    });

    test.each([
      ['a text as text', bytes('plain', { 'content-type': 'text/plain' }), {}, 'plain'],
      ['no body as null', bytes('', {}, 204), {}, null],
      [
        'a HEAD as null',
        bytes('', { 'content-length': '99999999', 'content-encoding': 'zpaq' }),
        { method: 'HEAD' },
        null,
      ],
      ['what a pointer leads to', json({ a: [{ 'b/c': 7 }] }), { result: '/a/0/b~1c' }, 7],
      ['null where a pointer leads to null', json({ a: null }), { result: '/a' }, null],
      [
        'JSON of another type',
        bytes('{"a":1}', { 'content-type': 'application/problem+json' }),
        {},
        { a: 1 },
      ],
      [
        'a text in its charset',
        bytes(Buffer.from([0xe4]), { 'content-type': 'text/plain; charset=iso-8859-1' }),
        {},
        'ä',
      ],
      ...[
        'text/plain; charset=utf-8',
        'text/html',
        'application/octet-stream',
        'model/gltf+json',
        undefined,
      ].map(
        (type) =>
          [
            `JSON of the type ${String(type)} where a pointer asks for it`,
            bytes('{"a":1}', type === undefined ? {} : { 'content-type': type }),
            { result: '/a' },
            1,
          ] as const,
      ),
      [
        'JSON whose type stands twice',
        (_request: unknown, response: ServerResponse) => {
          response
            .writeHead(200, ['content-type', 'application/json', 'Content-Type', 'application/json'])
            .end('1');
        },
        {},
        1,
      ],
      [
        'a status that is named for an answer, whatever its body is',
        bytes('<h1>Not Found</h1>', { 'content-type': 'text/html' }, 404),
        { expect: { status: [200, 404] }, result: '{% $status = 404 ? null : items %}' },
        null,
      ],
      [
        'JSON of any type as JSON',
        bytes('{"a":1}', { 'content-type': 'application/x-javascript' }),
        { as: 'json' },
        { a: 1 },
      ],
      ['JSON as a text', json({ a: 1 }), { as: 'text' }, '{"a":1}'],
      ['nothing as an empty text', bytes('', {}), { as: 'text' }, ''],
      ['bytes as base64', bytes(Buffer.from([0, 255, 16])), { as: 'base64' }, 'AP8Q'],
      [
        'an object of pointers, constants and expressions',
        json({ data: { id: 9, price: null } }),
        {
          result: {
            id: '/data/id',
            price: { pointer: '/data/price', default: 1 },
            stock: { pointer: '/data/stock', default: { left: 0 } },
            of: { const: 'eu' },
            version: 2,
            more: { half: '{% data.id / 2 %}', all: '' },
          },
        },
        {
          id: 9,
          price: null,
          stock: { left: 0 },
          of: 'eu',
          version: 2,
          more: { half: 4.5, all: { data: { id: 9, price: null } } },
        },
      ],
      [
        'what an expression makes of body, input, status and headers',
        json([{ n: 2 }, { n: 3 }], 200, { 'X-Page': '4' }),
        {
          result:
            '{% { "sum": $sum($.n), "for": $input.who, "status": $status, "page": $number($headers."x-page") } %}',
        },
        { sum: 5, for: 'me', status: 200, page: 4 },
      ],
      [
        'long integers through an expression, with all digits',
        bytes('{"id":9007199254740993,"of":[9007199254740993]}', { 'content-type': 'application/json' }),
        { result: '{% { "id": id, "text": "n" & id, "same": id in of } %}' },
        { id: 9007199254740993n, text: 'n9007199254740993', same: true },
      ],
      [
        'what an expression of the headers makes of a HEAD',
        bytes('', { 'x-count': '7' }),
        { method: 'HEAD', result: '{% $headers."x-count" %}' },
        '7',
      ],
      [
        'a body of which expect.when is true',
        json({ state: 'done' }),
        { expect: { when: "{% state = 'done' %}" }, result: '/state' },
        'done',
      ],
      ['a body that meets a schema', json({ a: 1 }), { expect: { body: { required: ['a'] } } }, { a: 1 }],
      ['a status that is expected', json('made', 201), { expect: { status: [201] } }, 'made'],
    ])('takes %s', async (_what, answer, options, result) => {
      const server = await caller.serve(answer);
      expect(await caller.call({ url: `${server.origin}/`, ...options }, { input: { who: 'me' } })).toEqual(
        result,
      );
    });

    test.each([
      [
        'makes no null of a number that JSON has not',
        '{ "price": total / n }',
        'a number that is no number or endless',
      ],
      ['quotes no value of the answer', '$number(card)', 'Unable to cast value to a number: …'],
      ['quotes no value of the input', '$input.who < 1', 'The values … and … either side'],
    ])('%s', async (_what, expression, reason) => {
      const server = await caller.serve(json({ total: 1, n: 0, card: 'private' }));
      const request = { url: `${server.origin}/`, result: `{% ${expression} %}` };
      const { message } = await caller.failure(request, { input: { who: 'private' } });
      expect(message).toContain(reason);
      expect(message).not.toContain('private');
    });

    test('ends an expression that takes too long, and goes on with the next answers', async () => {
      const server = await caller.serve((request, response) =>
        response
          .setHeader('content-type', 'application/json')
          .end(JSON.stringify(`${'a'.repeat(request.url === '/bad' ? 50 : 3)}!`)),
      );
      const result = '{% $contains($, /^(a+)+$/) %}';
      const failure = caller.failure({ url: `${server.origin}/bad`, result });
      await server.until(() => server.requests.length === 1);
      const next = [1, 2].map((n) => caller.call({ url: `${server.origin}/${n}`, result }));
      const { message, options } = await failure;
      expect(message).toContain('answered 200, but an expression took longer than 1 s');
      expect(options.code).toBe('upstream-unfit');
      expect(await Promise.all(next)).toEqual([false, false]);
    });

    test('takes the response that follows hints and processing notices', async () => {
      const server = await caller.serve((_request, response) => {
        response.writeProcessing();
        response.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => response.end('after all'));
      });
      expect(await caller.call({ url: `${server.origin}/` })).toBe('after all');
    });
  });

  describe('a response that is no success', () => {
    test.each([
      [404, false],
      [400, false],
      [401, false],
      [304, false],
      [300, false],
      [408, undefined],
      [425, undefined],
      [429, undefined],
      [500, undefined],
      [503, undefined],
    ])('with %i is a failure that says what was answered; retry: %s', async (status, retry) => {
      const server = await caller.serve(json({ error: 'of the upstream' }, status));
      const { options, message } = await caller.failure({ url: `${server.origin}/` });
      expect(message).toBe(`${server.origin} answered ${status}`);
      expect({ retry: true, ...options }).toEqual({
        code: 'upstream-status',
        retry: retry ?? true,
        upstream: { status, excerpt: status === 304 ? '' : '{"error":"of the upstream"}' },
      });
    });

    test('that asks to wait is tried again after that time, also when it is longer than the timeout of an attempt', async () => {
      const server = await caller.serve(misbehaviours.notNow('7'));
      const subTask = caller.subTask({ url: `${server.origin}/` });
      const { message, options } = await caller.failure(subTask, { timeoutMs: 6_000 });
      expect(options).toMatchObject({ retry: true, retryAfterMs: 7_000, upstream: { status: 429 } });
      expect(message).toBe(`${server.origin} answered 429 and asks to wait 7 s (Retry-After)`);
    });

    test('brings an excerpt of well-formed characters, of a body however long or compressed', async () => {
      const server = await caller.serve(misbehaviours.endlessGzipBomb);
      const expecting = { url: `${server.origin}/`, expect: { status: [201] } };
      const { options } = await caller.failure(expecting);
      expect(options).toMatchObject({ code: 'upstream-status', retry: true, upstream: { status: 200 } });
      expect(options.upstream?.excerpt).toBe('\0'.repeat(500));
      await server.deserted();
      const emoji = await caller.serve(bytes(`x${'🦊'.repeat(20_000)}`, {}, 500));
      const { excerpt = '' } = (await caller.failure({ url: `${emoji.origin}/` })).options.upstream ?? {};
      expect(excerpt).toBe(`x${'🦊'.repeat(249)}`);
      await emoji.deserted();
    });

    test('is told of although its body never ends or is cut off, and keeps its connection when it is short', async () => {
      const stuck = await caller.serve(misbehaviours.stuckBody(404));
      const { options } = await caller.failure({ url: `${stuck.origin}/` });
      expect(options).toMatchObject({ retry: false, upstream: { status: 404, excerpt: 'the beginning' } });
      await stuck.deserted();
      const cut = await caller.serveRaw((socket) => {
        socket.once('data', () =>
          socket.end(Buffer.from('HTTP/1.1 404 No\r\ncontent-length: 99\r\n\r\nthe begin🦊').subarray(0, -2)),
        );
      });
      const { upstream } = (await caller.failure({ url: `${cut.origin}/` })).options;
      expect(upstream).toEqual({ status: 404, excerpt: 'the begin' });
      const short = await caller.serve(json({ long: 'x'.repeat(10_000) }, 500));
      const subTask = caller.subTask({ url: `${short.origin}/` });
      for (let n = 0; n < 20; n += 1) await caller.failure(subTask);
      expect(short.connections).toBeLessThanOrEqual(2);
    });

    test('never brings back what came from the environment, however the upstream echoes it', async () => {
      const echo: RequestListener = ({ headers }, response) => {
        const key = headers['x-key'] as string;
        response.statusCode = 400;
        response.end(
          `${'-'.repeat(475)} ${JSON.stringify({ key })} ${encodeURIComponent(key)} ${key.repeat(200)}`,
        );
      };
      const server = await caller.serve(echo);
      const key = 'sec"ret/key with more';
      const subTask = caller.subTask(
        { url: `${server.origin}/`, headers: { 'X-Key': '${KEY}' } },
        { KEY: key },
      );
      const { excerpt = '' } = (await caller.failure(subTask)).options.upstream ?? {};
      expect(excerpt).toContain('[redacted]');
      expect(excerpt).not.toMatch(/sec|ret|key with/);
    });
  });
});
