import { getEventListeners } from 'node:events';
import type { RequestListener } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Attempt } from '../../../src/run/attempt.js';
import { Caller } from '../../support/http-sub-task.js';
import { bytes, json, misbehaviours, UpstreamServer } from '../../support/upstreams.js';

describe('HTTP sub-tasks', () => {
  let caller: Caller;
  beforeEach(async () => void (caller = await Caller.create()));
  afterEach(() => caller.close());

  describe('a success that can’t be used', () => {
    const unfit = async (answer: RequestListener, options: object = {}) => {
      const server = await caller.serve(answer);
      const failure = await caller.failure({ url: `${server.origin}/`, ...options });
      expect(failure.options.code).toBe('upstream-unfit');
      expect(failure.options.retry).not.toBe(false);
      return {
        server,
        message: failure.message.replace(server.origin, 'it'),
        upstream: failure.options.upstream,
      };
    };

    test.each([
      [
        'another shape',
        json({ b: 1 }),
        { expect: { body: { required: ['a'] } } },
        "must have required property 'a'",
      ],
      ['no member where the pointer leads', json({ a: 1 }), { result: '/b' }, 'nothing at /b'],
      ['an inherited member', json({}), { result: '/constructor' }, 'nothing at /constructor'],
      [
        'a body that expect.when is not true of',
        json({ state: 'queued' }),
        { expect: { when: "{% state = 'done' %}" } },
        'expect.when is not true of it',
      ],
      [
        'a condition that is no condition',
        json({ items: [1, 2] }),
        { expect: { when: '{% items %}' } },
        'expect.when gives neither true nor false; write $exists(…)',
      ],
      [
        'an expression that fails',
        bytes('{"id":9007199254740993}', { 'content-type': 'application/json' }),
        { result: '{% id + 1 %}' },
        'an expression of result fails: The left side of the "+" operator must evaluate to a number',
      ],
      ['an expression that gives nothing', json({}), { result: '{% constructor %}' }, 'gives nothing'],
      ['an expression that gives a function', json({}), { result: '{% [$sum] %}' }, 'has a function'],
      [
        'an expression that gives too much',
        json({}),
        { result: '{% [1..1000] %}', maxResponse: '1kb' },
        'its value has more than 1024 bytes; maxResponse is that bound',
      ],
      [
        'an expression without end',
        json({}),
        { result: '{% ($f := function(){$f()}; $f()) %}' },
        'longer than 1 s',
      ],
      [
        'a text where as: json asks for JSON',
        bytes('plain', { 'content-type': 'text/plain' }),
        { as: 'json' },
        'is no JSON, which as: json asks for',
      ],
      [
        'a type that is none of JSON',
        bytes('{"a":1}', { 'content-type': 'application/xml' }),
        { result: '/a' },
        'is none of JSON; write as: json if its body is JSON all the same',
      ],
      [
        'a named status without what the pointer leads to',
        json({ error: 1 }, 404),
        { expect: { status: [200, 404] }, result: '/a' },
        'it answered 404, but its body has nothing at /a',
      ],
      ['a pointer through a number', json({ a: 1 }), { result: '/a/b' }, 'nothing at /a/b'],
      [
        'a text instead of JSON',
        bytes('{', { 'content-type': 'application/json' }),
        {},
        'says that it is JSON',
      ],
      ['bytes that are no UTF-8', bytes(Buffer.from([0xff, 0xfe, 0xff])), {}, 'no text in "utf-8"'],
      ['an unknown charset', bytes('a', { 'content-type': 'text/plain; charset=klingon' }), {}, '"klingon"'],
      ['an unknown encoding', bytes('a', { 'content-encoding': 'zpaq' }), {}, 'encoded as "zpaq"'],
      ['no gzip at all', bytes('a', { 'content-encoding': 'gzip' }), {}, 'can’t be decompressed'],
      [
        'a gzip that is cut off',
        bytes(gzipSync('long enough').subarray(0, 20), { 'content-encoding': 'gzip' }),
        {},
        'can’t be decompressed: unexpected end of file',
      ],
      [
        'a raw deflate that is cut off',
        bytes(deflateRawSync('long enough').subarray(0, 9), { 'content-encoding': 'deflate' }),
        {},
        'can’t be decompressed: unexpected end of file',
      ],
      [
        'a text where a pointer asks for JSON',
        bytes('plain', { 'content-type': 'text/plain' }),
        { result: '/a' },
        'is no JSON, which result and expect.body read',
      ],
      [
        'an image where a schema asks for JSON',
        bytes('{}', { 'content-type': 'image/png' }),
        { expect: { body: true } },
        'its Content-Type, image/png, is none of JSON',
      ],
      ['a body that is reset', misbehaviours.resetInBody, {}, 'its body broke off after'],
      ['a body shorter than it said', misbehaviours.longContentLength, {}, 'its body broke off after'],
      ['many encodings', bytes('a', { 'content-encoding': 'gzip, gzip, gzip' }), {}, 'encoded 3 times over'],
      ['a body longer than it said', misbehaviours.shortContentLength, {}, 'says that it is JSON'],
    ])('for %s is a failure that may be retried', async (_what, answer, options, message) => {
      expect((await unfit(answer, options)).message).toContain(message);
    });

    test('brings the beginning of its body', async () => {
      const { message, upstream } = await unfit(json({ b: 1 }), { result: '/a' });
      expect(message).toBe('it answered 200, but its body has nothing at /a');
      expect(upstream).toEqual({ status: 200, excerpt: '{"b":1}' });
    });

    const tooLarge = (kilobytes: number) =>
      `it answered 200, but its body has more than ${kilobytes * 1024} bytes; maxResponse is that bound`;

    test.each([
      ['a body without end', misbehaviours.endlessBody, 200],
      // A byte a turn: more would take seconds, and show no more.
      ['a body that drips without end', misbehaviours.dripFed, 4],
      ['a bomb without end', misbehaviours.endlessGzipBomb, 200],
      ['a Content-Length past the bound', bytes(Buffer.alloc(300_000), { 'content-length': '300000' }), 200],
    ])('for %s closes the connection at the bound', async (_what, answer, kilobytes) => {
      const { server, message } = await unfit(answer, { maxResponse: `${kilobytes}kb` });
      expect(message).toBe(tooLarge(kilobytes));
      await server.deserted();
    });

    test.each([
      ['a bomb', misbehaviours.gzipBomb(50)],
      [
        'much that decompresses to nothing',
        bytes(Buffer.concat(Array.from({ length: 20_000 }, () => gzipSync(''))), {
          'content-encoding': 'gzip',
        }),
      ],
      [
        'a bomb of raw deflate',
        bytes(deflateRawSync(Buffer.alloc(2 ** 25)), { 'content-encoding': 'deflate' }),
      ],
      [
        'a bomb in a bomb',
        bytes(gzipSync(gzipSync(Buffer.alloc(2 ** 25))), { 'content-encoding': 'gzip, gzip' }),
      ],
    ])('for %s stops at the bound', async (_what, answer) => {
      expect((await unfit(answer, { maxResponse: '200kb' })).message).toBe(tooLarge(200));
    });

    test.each([
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['deflate', deflateRawSync],
      ['deflate, gzip', (text: Buffer) => gzipSync(deflateRawSync(text))],
      ['gzip, deflate', (text: Buffer) => deflateRawSync(gzipSync(text))],
      ['br', brotliCompressSync],
      ['gzip, br', (text: Buffer) => brotliCompressSync(gzipSync(text))],
      ['identity', (text: Buffer) => text],
    ])('is none of those when it is compressed with %s and fits', async (encoding, compress) => {
      const text = JSON.stringify({ long: 'x'.repeat(100_000) });
      const headers = { 'content-encoding': encoding, 'content-type': 'application/json' };
      const server = await caller.serve(bytes(compress(Buffer.from(text)), headers));
      expect(await caller.call({ url: `${server.origin}/` })).toEqual(JSON.parse(text));
    });
  });

  describe('a connection that fails', () => {
    const unreachable = async (server: UpstreamServer) => {
      const { options, message } = await caller.failure({ url: `${server.origin}/` });
      expect(options).toEqual({ code: 'upstream-unreachable' });
      expect(message).toContain(`${server.origin} can’t be reached: `);
      await server.deserted();
    };

    test.each([
      ['before the headers', misbehaviours.resetBeforeHeaders],
      ['within the headers', misbehaviours.resetInHeaders],
    ])('%s is a failure that may be retried', async (_when, answer) =>
      unreachable(await caller.serve(answer)),
    );

    test('because there is no HTTP behind it is one too', async () =>
      unreachable(await caller.serveRaw(misbehaviours.garbage)));

    test('because nobody listens is one too, and says why', async () => {
      const server = await UpstreamServer.start(json(1));
      const { origin } = server;
      await server.close();
      const { options, message } = await caller.failure({ url: `${origin}/` });
      expect(options).toEqual({ code: 'upstream-unreachable' });
      expect(message).toMatch(/ can’t be reached: .*ECONNREFUSED/);
    });

    test('between two requests is not noticed by the second', async () => {
      const server = await caller.serve(json(1));
      const subTask = caller.subTask({ url: `${server.origin}/` });
      await caller.call(subTask);
      server.dropConnections();
      await server.deserted();
      // What the client gets to know of it comes in one of the next turns.
      for (let turn = 0; turn < 20; turn += 1) await nextTurn();
      expect(await caller.call(subTask)).toBe(1);
      expect(server.connections).toBe(2);
    });
  });

  describe('an attempt that is given up', () => {
    test.each([
      ['waits for headers', misbehaviours.slowHeaders],
      ['reads a body that drips', misbehaviours.dripFed],
      ['reads a body that is stuck', misbehaviours.stuckBody()],
      ['reads an error that is stuck', misbehaviours.stuckBody(503)],
    ])('closes its connection while it %s', async (_what, answer) => {
      const server = await caller.serve(answer);
      const { promise, resolve } = Promise.withResolvers<Attempt>();
      const failed = caller.failure({ url: `${server.origin}/` }, { begun: resolve });
      const attempt = await promise;
      await server.until(() => server.requests.length === 1);
      expect(getEventListeners(attempt.signal, 'abort')).toHaveLength(1);
      attempt.giveUp();
      expect((await failed).options.code).toBe('upstream-unreachable');
      await server.deserted();
      expect(getEventListeners(attempt.signal, 'abort')).toEqual([]);
    });

    test('does so on a connection that is half open, and after a redirect', async () => {
      const silent = await caller.serveRaw(misbehaviours.halfOpen);
      caller.subTask({ url: `${silent.origin}/` });
      const server = await caller.serve(misbehaviours.redirect(`${silent.origin}/there`));
      const { promise, resolve } = Promise.withResolvers<Attempt>();
      const options = { url: `${server.origin}/`, redirects: [silent.origin] };
      const failed = caller.failure(options, { begun: resolve });
      await silent.until(() => silent.openConnections === 1);
      (await promise).giveUp();
      await failed;
      await silent.deserted();
    });

    test('makes no request when it was given up before', async () => {
      const server = await caller.serve(json(1));
      const begun = (attempt: Attempt) => {
        attempt.giveUp();
      };
      await caller.failure({ url: `${server.origin}/` }, { begun });
      expect(server.connections).toBe(0);
    });

    test('leaves no listener on its signal when it succeeds', async () => {
      const server = await caller.serve(json(1));
      const { promise, resolve } = Promise.withResolvers<Attempt>();
      await caller.call({ url: `${server.origin}/` }, { begun: resolve });
      expect(getEventListeners((await promise).signal, 'abort')).toEqual([]);
    });
  });

  describe('a stop', () => {
    test('cuts off what is under way, what is still connecting, and what comes too late', async () => {
      const server = await caller.serve(misbehaviours.slowHeaders);
      const subTask = caller.subTask({ url: `${server.origin}/` });
      const underWay = caller.failure(subTask);
      await server.until(() => server.requests.length === 1);
      const connecting = caller.failure(subTask);
      await caller.upstreams.close();
      expect((await underWay).options.code).toBe('upstream-unreachable');
      expect((await connecting).options.code).toBe('upstream-unreachable');
      expect((await caller.failure(subTask)).message).toContain('the service is stopping');
      await server.deserted();
    });
  });
});
