import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RequestListener } from 'node:http';
import { Caller } from '../../support/http-sub-task.js';
import { stream, streaming, type SentStream } from '../../support/http-streams.js';
import { bytes, json, misbehaviours } from '../../support/upstreams.js';

const NDJSON = { 'content-type': 'application/x-ndjson' };

/** Events of a language model, as OpenAI shapes them. */
const delta = (content: unknown, more: object = {}) =>
  `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [{ delta: { content } }], ...more })}\n\n`;
const CHAT = { stream: 'sse', chunk: '/choices/0/delta/content', end: '[DONE]' };

describe('HTTP sub-tasks that stream', () => {
  let caller: Caller;
  beforeEach(async () => void (caller = await Caller.create()));
  afterEach(() => caller.close());

  const read = async (answer: RequestListener, options: object, input: unknown = {}) => {
    const server = await caller.serve(answer);
    const { failure, ...others } = await caller.read({ url: `${server.origin}/`, ...options }, { input });
    return { ...others, failure, message: failure?.message.replace(server.origin, 'it'), server };
  };

  test.each([
    ['events as texts', ['data: a\n\n', 'data: {"b":1}\n\n'], { stream: 'sse' }, ['a', '{"b":1}']],
    ['parts of events', [delta('a'), delta('b'), 'data: [DONE]\n\n'], CHAT, ['a', 'b']],
    [
      'no chunk of an event without that part, or with null there',
      ['data: {"type":"ping"}\n\n', delta(null), delta('a'), delta('')],
      { ...CHAT, end: undefined },
      ['a', ''],
    ],
    [
      'the whole of an event as JSON',
      ['data: {"a":[1]}\n\ndata: "b"\n\n'],
      { stream: 'sse', chunk: '' },
      [{ a: [1] }, 'b'],
    ],
    [
      'what an expression makes of an event',
      ['data: {"type":"ping"}\n\n', 'data: {"type":"text","text":"a"}\n\n'],
      { stream: 'sse', chunk: "{% type = 'text' ? $input.by & $status & $headers.by & text %}" },
      ['me200ita'],
    ],
    ['nothing behind the end', ['data: a\n\ndata: end\n\ndata: b\n\n'], { stream: 'sse', end: 'end' }, ['a']],
  ])('bring %s', async (_what, pieces, options, chunks) => {
    const headers = { 'content-type': 'text/event-stream; charset=utf-8', by: 'it' };
    const found = await read(stream(pieces, headers), options, { by: 'me' });
    expect(found).toMatchObject({ chunks, failure: undefined });
  });

  test.each([
    [
      'lines as JSON',
      ['1\n{"a":', '2}\n\nnull\n9007199254740993'],
      { stream: 'ndjson' },
      [1, { a: 2 }, null, 9007199254740993n],
    ],
    [
      'parts of lines',
      ['{"response":"a"}\n{"done":true}\n'],
      { stream: 'ndjson', chunk: '/response' },
      ['a'],
    ],
    ['lines until one', ['1\nend\n2\n'], { stream: 'ndjson', end: 'end' }, [1]],
  ])('bring %s', async (_what, pieces, options, chunks) => {
    expect(await read(stream(pieces, NDJSON), options)).toMatchObject({ chunks, failure: undefined });
  });

  test('bring bytes as texts where they are, else as one base64 in pieces', async () => {
    const text = await read(
      stream(['a', Buffer.from([0xe2]), Buffer.from([0x82, 0xac])], { 'content-type': 'text/plain' }),
      { stream: 'bytes' },
    );
    expect((text.chunks as string[]).join('')).toBe('a€');
    const image = await read(
      stream([Buffer.alloc(1_000, 1), Buffer.alloc(1_000, 2)], { 'content-type': 'image/png' }),
      { stream: 'bytes' },
    );
    expect((image.chunks as string[]).join('')).toBe(
      Buffer.concat([Buffer.alloc(1_000, 1), Buffer.alloc(1_000, 2)]).toString('base64'),
    );
  });

  test.each([
    ['sse', 'text/event-stream, */*;q=0.5'],
    ['ndjson', 'application/x-ndjson, */*;q=0.5'],
    ['bytes', '*/*'],
  ])('ask for %s that is not compressed, unless they say otherwise', async (kind, accept) => {
    const { server } = await read(stream([]), { stream: kind });
    expect(server.requests[0]?.headers).toMatchObject({ accept, 'accept-encoding': 'identity' });
    const own = { accept: 'a/b', 'accept-encoding': 'br' };
    const other = await read(stream([]), { stream: kind, headers: own });
    expect(other.server.requests[0]?.headers).toMatchObject(own);
  });

  test('bring each chunk before the next is there', async () => {
    const opened = Promise.withResolvers<SentStream>();
    const server = await caller.serve(streaming(opened.resolve));
    const chunks = await caller.open({ url: `${server.origin}/`, stream: 'sse' });
    const first = chunks.next();
    const { send, response } = await opened.promise;
    for (const [text, chunk] of [['a', first], ['b'], ['c']] as const) {
      await send(`data: ${text}\n\n`);
      expect(await (chunk ?? chunks.next())).toEqual({ done: false, value: text });
    }
    response.end();
    expect(await chunks.next()).toEqual({ done: true, value: undefined });
  });

  describe('count tokens', () => {
    test.each([
      [
        'as the stream says',
        [delta('a'), delta('b'), delta(null, { choices: [], usage: { completion_tokens: 7 } })],
        7,
      ],
      ['as it says along the way', [delta('a', { usage: { completion_tokens: 3 } }), delta('b')], 3],
      ['one a chunk where it doesn’t', [delta(''), delta('a', { usage: null }), delta(null), delta('b')], 2],
    ])('%s', async (_how, pieces, tokens) => {
      expect((await read(stream(pieces), { ...CHAT, end: undefined })).tokens).toBe(tokens);
    });

    test('of no other stream', async () => {
      const { chunks, tokens } = await read(stream(['data: {"text":"a"}\n\n']), {
        stream: 'sse',
        chunk: '/text',
      });
      expect([chunks, tokens]).toEqual([['a'], undefined]);
    });
  });

  describe('fail, behind the chunks that came before,', () => {
    test.each([
      [
        'an event is named error',
        ['event: error\ndata: overloaded\n\n'],
        { stream: 'sse' },
        'its stream says that it failed',
        'overloaded',
      ],
      [
        'an event has an error',
        ['data: {"error":{"code":500}}\n\n'],
        { stream: 'sse' },
        'its stream says that it failed',
        '{"error":{"code":500}}',
      ],
      [
        'an event has a text as its error',
        ['data: {"error":"no"}\n\n'],
        CHAT,
        'its stream says that it failed',
        '{"error":"no"}',
      ],
      [
        'an event is named error and no JSON',
        ['event: error\ndata: overloaded\n\n'],
        CHAT,
        'its stream says that it failed',
        'overloaded',
      ],
      [
        'an event is no JSON',
        ['data: {"ch\n\n'],
        CHAT,
        'a frame of its stream is no JSON; end names',
        '{"ch',
      ],
      ['it ends without its end', [], CHAT, 'its stream broke off: it ended without "[DONE]"', ''],
      [
        'an expression fails',
        ['data: {"a":"x"}\n\n'],
        { stream: 'sse', chunk: "{% $exists(choices) ? 'a' : $number(a) %}" },
        'the expression of chunk fails: Unable to cast value to a number',
        '{"a":"x"}',
      ],
      [
        'an expression takes too long',
        ['data: {"a":"x"}\n\n'],
        { stream: 'sse', chunk: "{% $exists(choices) ? 'a' : ($f := function(){$f()}; $f()) %}" },
        'the expression of chunk took longer than 1 s',
        '{"a":"x"}',
      ],
    ])('when %s', async (_what, pieces, options, message, excerpt) => {
      const first = options.stream === 'sse' && !('chunk' in options) ? 'data: a\n\n' : delta('a');
      const found = await read(stream([first, ...pieces]), options);
      expect(found.chunks).toEqual(['a']);
      expect(found.message).toContain(`it answered 200, but ${message}`);
      expect(found.failure?.options).toEqual({ code: 'upstream-unfit', upstream: { status: 200, excerpt } });
    });

    test.each([
      ['a line is no JSON', ['1\n', '<html>\n'], 'a frame of its stream is no JSON'],
      ['a line has an error', ['1\n', '{"error":"no"}\n'], 'its stream says that it failed'],
      ['a line is no text', ['1\n', Buffer.from([0xff, 0x0a])], 'a line of its stream is no text in UTF-8'],
      [
        'a line is too long',
        ['1\n', 'x'.repeat(10 * 2 ** 20)],
        'a frame of its stream has more than 1048576 bytes; maxResponse is that bound',
      ],
    ])('when %s', async (_what, pieces, message) => {
      const found = await read(stream(pieces, NDJSON), { stream: 'ndjson' });
      expect(found.chunks).toEqual([1]);
      expect(found.message).toContain(`it answered 200, but ${message}`);
      expect(found.failure?.options.code).toBe('upstream-unfit');
    });

    test('when an event is larger than maxResponse, which does not bound the stream', async () => {
      const events = Array.from({ length: 20 }, () => `data: ${'x'.repeat(900)}\n\n`);
      const endless = streaming(({ send }) => {
        void send(`${events.join('')}data: ${'x'.repeat(1_025)}\n\n`);
      });
      const found = await read(endless, { stream: 'sse', maxResponse: '1kb' });
      expect(found.chunks).toHaveLength(20);
      expect(found.message).toContain(
        'a frame of its stream has more than 1024 bytes; maxResponse is that bound',
      );
      await found.server.deserted();
    });

    test('when the value of an expression is', async () => {
      const found = await read(stream(['data: {}\n\n']), {
        stream: 'sse',
        chunk: '{% [1..1000] %}',
        maxResponse: '1kb',
      });
      expect(found.message).toContain('the expression of chunk fails: its value has more than 1024 bytes');
    });
  });

  test('take what is no error for none', async () => {
    const found = await read(stream(['{"error":null}\n{"error":""}\n{"error":0}\n'], NDJSON), {
      stream: 'ndjson',
    });
    expect(found.chunks).toHaveLength(3);
  });

  test('take broken characters of an event stream for what stands for them', async () => {
    const pieces = ['data: a', Buffer.from([0xe2, 0x82]), 'b\n\n'];
    expect((await read(stream(pieces), { stream: 'sse' })).chunks).toEqual(['a\ufffdb']);
  });

  describe('that get another answer', () => {
    test.each([
      ['JSON', json({ error: 'no streams here' }), 'application/json', '{"error":"no streams here"}'],
      ['a page', bytes('<p>', { 'content-type': 'text/html' }), 'text/html', '<p>'],
    ])('fail by its type: %s', async (_what, answer, type, excerpt) => {
      const { message, failure } = await read(answer, { stream: 'sse' });
      expect(message).toBe(`it answered 200, but its Content-Type, ${type}, is none of an event stream`);
      expect(failure?.options).toEqual({ code: 'upstream-unfit', upstream: { status: 200, excerpt } });
    });

    test.each([[{}], [{ 'content-type': 'text/plain' }], [{ 'content-type': 'application/octet-stream' }]])(
      'don’t where the type may be meant for events: %j',
      async (headers) => {
        expect((await read(stream(['data: a\n\n'], headers), { stream: 'sse' })).chunks).toEqual(['a']);
      },
    );

    test('fail by its status as calls without stream do', async () => {
      const { message, failure, server } = await read(misbehaviours.notNow('7'), { stream: 'sse' });
      expect(message).toBe('it answered 429 and asks to wait 7 s (Retry-After)');
      expect(failure?.options).toEqual({
        code: 'upstream-status',
        retry: true,
        retryAfterMs: 7_000,
        upstream: { status: 429, excerpt: '{"error":"not now"}' },
      });
      const final = { url: `${server.origin}/`, stream: 'sse', final: [429] };
      expect((await caller.read(final)).failure?.options).toMatchObject({ final: true, retry: false });
      const named = { url: `${server.origin}/`, stream: 'bytes', expect: { status: [429] } };
      expect(await caller.read(named)).toMatchObject({ chunks: ['{"error":"not now"}'], failure: undefined });
    });

    test('follow redirects as calls without stream do', async () => {
      const target = await caller.serve(stream(['data: a\n\n']));
      const { message, server } = await read(misbehaviours.redirect(`${target.origin}/there`), {
        stream: 'sse',
      });
      expect(message).toContain('which is none of its origins');
      const allowed = { url: `${server.origin}/`, stream: 'sse', redirects: [target.origin] };
      caller.subTask({ url: `${target.origin}/` });
      expect((await caller.read(allowed)).chunks).toEqual(['a']);
    });

    test('fail where it can’t be read', async () => {
      const unknown = await read(bytes('a', { 'content-encoding': 'zpaq' }), { stream: 'bytes' });
      expect(unknown.message).toContain('encoded as "zpaq", which was not asked for');
      const cut = gzipSync('long enough').subarray(0, 20);
      const half = await read(bytes(cut, { 'content-encoding': 'gzip' }), { stream: 'bytes' });
      expect(half.message).toContain('can’t be decompressed: unexpected end of file');
      expect(half.failure?.options.code).toBe('upstream-unfit');
    });

    test('fail where it is text in an unknown charset, and leave its connection', async () => {
      const endless = streaming(({ send }) => void send('a'), { 'content-type': 'text/plain; charset=nope' });
      const { message, failure, server } = await read(endless, { stream: 'bytes' });
      expect(message).toBe('it answered 200, but its body is no text in "nope"');
      expect(failure?.options).toEqual({ code: 'upstream-unfit', upstream: { status: 200, excerpt: '' } });
      await server.deserted();
    });

    test('fail where there is none', async () => {
      const { failure } = await caller.read({ url: 'http://127.0.0.1:1/', stream: 'sse' });
      expect(failure?.options).toEqual({ code: 'upstream-unreachable' });
    });
  });

  describe('say what is worth winning with', () => {
    const wins = async (expression: string, chunk: never) =>
      caller.subTask({ url: 'http://127.0.0.1:1/', stream: 'sse', wins: expression }).wins?.(chunk);

    test.each([
      ['{% $length($trim($)) > 0 %}', ' ', false],
      ['{% $length($trim($)) > 0 %}', ' a', true],
      ["{% type = 'text' %}", { type: 'text' }, true],
      ['{% text.deep %}', {}, false],
    ])('by %s: %j', async (expression, chunk, outcome) => {
      expect(await wins(expression, chunk as never)).toBe(outcome);
    });

    test.each([
      ['{% $number($) > 0 %}', 'a', 'The expression of wins fails: Unable to cast'],
      ['{% $length($) %}', 'a', 'The expression of wins gives neither true nor false'],
    ])('and fail where %s does', async (expression, chunk, message) => {
      await expect(wins(expression, chunk as never)).rejects.toMatchObject({
        message: expect.stringContaining(message),
        options: { code: 'upstream-unfit' },
      });
    });

    test('as the service does by default', () => {
      expect(caller.subTask({ url: 'http://127.0.0.1:1/', stream: 'sse' }).wins).toBeUndefined();
    });
  });
});
