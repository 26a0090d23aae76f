import type { RequestListener } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Attempt } from '../../../src/run/attempt.js';
import type { LookupFunction } from 'node:net';
import { HttpSubTask } from '../../../src/upstreams/http-sub-task.js';
import { CERTIFICATE, CERTIFICATE_KEY } from '../../support/certificate.js';
import { HttpProxy } from '../../support/http-proxy.js';
import { Caller } from '../../support/http-sub-task.js';
import { json, type UpstreamServer } from '../../support/upstreams.js';

describe('HTTP sub-tasks', () => {
  let caller: Caller;
  let asked: string[];

  const lookup: LookupFunction = (hostname, { all }, callback) => {
    asked.push(hostname);
    process.nextTick(() => {
      if (all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
      else callback(null, '127.0.0.1', 4);
    });
  };
  const named = ({ origin }: UpstreamServer, name = 'upstream.test') => origin.replace('127.0.0.1', name);
  const trusting = { tls: { ca: CERTIFICATE } };

  beforeEach(async () => {
    asked = [];
    caller = await Caller.create(lookup);
  });
  afterEach(() => caller.close());

  describe('an upstream behind a proxy', () => {
    let proxy: HttpProxy;
    beforeEach(async () => {
      await caller.close();
      proxy = await HttpProxy.start();
      const url = proxy.url();
      caller = await Caller.create(lookup, { http: url, https: url, except: ['direct.test'] });
    });
    afterEach(() => proxy.close());

    const guarded = (url: string) => ({ url, allowPrivate: false });

    test('of http is asked for by its whole URL, and its name is looked up by the proxy alone', async () => {
      const server = await caller.serve(json('answer'));
      const origin = named(server);
      const options = { ...guarded(`${origin}/a{?q}`), method: 'POST', headers: { 'X-Own': 'mine' } };
      expect(await caller.call(options, { input: { q: 1 } })).toBe('answer');
      expect(proxy.asked).toEqual([`POST ${origin}/a?q=1`]);
      expect(server.requests[0]).toMatchObject({
        target: '/a?q=1',
        body: '{"q":1}',
        headers: { 'x-own': 'mine', host: new URL(origin).host, 'content-type': 'application/json' },
      });
      expect(asked).toEqual([]);
    });

    test('of https is asked through a tunnel, with TLS to the upstream itself', async () => {
      const server = await caller.serve(json('answer'), 'https');
      const origin = named(server);
      caller.upstreams.configure(origin, trusting);
      const subTask = caller.subTask(guarded(`${origin}/`));
      expect(await caller.call(subTask)).toBe('answer');
      expect(await caller.call(subTask)).toBe('answer');
      expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${new URL(origin).host}`]));
      expect(asked).toEqual([]);
      const untrusted = await caller.failure(guarded(`${named(server, 'other.test')}/`));
      expect(untrusted.message).toMatch(/can’t be reached through its proxy: .*self-signed certificate/);
    });

    test('is asked by the credentials of the proxy’s URL', async () => {
      const server = await caller.serve(json(1), 'https');
      const plain = await caller.serve(json(1));
      for (const origin of [named(server), named(plain)])
        caller.upstreams.configure(origin, { ...trusting, proxy: proxy.url('user:p%40ss@') });
      await caller.call(guarded(`${named(server)}/`));
      await caller.call(guarded(`${named(plain)}/`));
      const credentials = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
      expect(proxy.asked).toEqual([
        `CONNECT ${new URL(named(server)).host} ${credentials}`,
        `GET ${named(plain)}/ ${credentials}`,
      ]);
      expect(plain.requests[0]?.headers).not.toHaveProperty('authorization');
    });

    test.each(['127.0.0.1', 'localhost', 'x.localhost', '[::ffff:10.0.0.1]'])(
      'is not called at all at %s, which is private',
      async (host) => {
        for (const scheme of ['http', 'https']) {
          const subTask = new HttpSubTask({ url: `${scheme}://${host}/` }, caller.upstreams, {});
          expect((await caller.failure(subTask)).options).toEqual({
            code: 'upstream-forbidden',
            retry: false,
          });
        }
        expect(proxy.asked).toEqual([]);
      },
    );

    test('is called directly where NO_PROXY has its host, or the file says so', async () => {
      const server = await caller.serve(json(1));
      const origin = named(server, 'none.test');
      caller.upstreams.configure(origin, { proxy: null });
      await caller.call({ url: `${named(server, 'direct.test')}/` });
      await caller.call({ url: `${origin}/` });
      expect(proxy.asked).toEqual([]);
      expect(asked).toEqual(['direct.test', 'none.test']);
      const { options } = await caller.failure(guarded(`${named(server, 'below.direct.test')}/`));
      expect(options.code).toBe('upstream-forbidden');
    });

    test('can’t be reached when the proxy refuses, or is away', async () => {
      const server = await caller.serve(json(1));
      for (const [refusal, scheme] of [
        [407, 'http'],
        [407, 'https'],
        [403, 'https'],
      ] as const) {
        proxy.refusal = refusal;
        const url = `${named(server).replace('http', scheme)}/`;
        const { message, options } = await caller.failure(guarded(url));
        expect({ message, code: options.code }).toEqual({
          message: expect.stringMatching(`can’t be reached through its proxy: .*${refusal}`),
          code: 'upstream-unreachable',
        });
      }
      const away = proxy.url();
      await proxy.close();
      caller.upstreams.configure('https://away.test', { proxy: away });
      const { message } = await caller.failure(guarded('https://away.test/'));
      expect(message).toMatch(
        /^https:\/\/away\.test can’t be reached through its proxy: .*connect ECONNREFUSED/,
      );
      proxy = await HttpProxy.start();
    });
  });

  describe('an upstream with TLS settings of its own', () => {
    const whoAsks: RequestListener = ({ socket }, response) => {
      const { subject } = (socket as TLSSocket).getPeerCertificate();
      response.end(String((subject as typeof subject | undefined)?.CN));
    };
    const demanding = { requestCert: true, ca: CERTIFICATE };

    test('is trusted by its own authority, and is shown the certificate', async () => {
      const server = await caller.serve(whoAsks, 'https', demanding);
      caller.upstreams.configure(named(server), {
        tls: { ca: CERTIFICATE, cert: CERTIFICATE, key: CERTIFICATE_KEY },
      });
      expect(await caller.call({ url: `${named(server)}/` })).toBe('upstream.test');
    });

    test('is no authority for another origin, which is shown no certificate', async () => {
      const server = await caller.serve(whoAsks, 'https', demanding);
      caller.upstreams.configure(named(server), {
        tls: { ca: CERTIFICATE, cert: CERTIFICATE, key: CERTIFICATE_KEY },
      });
      const { message } = await caller.failure({ url: `${server.origin}/` });
      expect(message).toContain('self-signed certificate');
      caller.upstreams.configure(server.origin, trusting);
      const { message: refused } = await caller.failure({ url: `${server.origin}/` });
      expect(refused).toMatch(/can’t be reached/);
      expect(server.requests).toEqual([]);
    });
  });

  describe('an upstream with http2', () => {
    const over: RequestListener = (request, response) => {
      response.end(request.httpVersion);
    };
    const configured = (server: UpstreamServer) => {
      caller.upstreams.configure(named(server), { ...trusting, http2: true });
      return `${named(server)}/`;
    };

    test('is asked over HTTP/2 where it speaks it, else over HTTP/1.1', async () => {
      const [newer, older] = [await caller.serve(over, 'h2'), await caller.serve(over, 'https')];
      expect(await caller.call({ url: configured(newer), method: 'POST' }, { input: { a: 1 } })).toBe('2.0');
      expect(newer.requests[0]).toMatchObject({ method: 'POST', body: '{"a":1}' });
      expect(await caller.call({ url: configured(older) })).toBe('1.1');
      const other = named(newer, '127.0.0.1');
      caller.upstreams.configure(other, trusting);
      expect(await caller.call({ url: `${other}/` })).toBe('1.1');
    });

    test('frees the stream alone of an attempt that is given up, or whose answer is too large', async () => {
      const held: (() => void)[] = [];
      const server = await caller.serve((request, response) => {
        if (request.url === '/large') response.end(Buffer.alloc(100_000, 'x'));
        else held.push(() => response.end('late'));
      }, 'h2');
      const url = configured(server);
      const kept = caller.call({ url: `${url}kept` });
      const { promise, resolve } = Promise.withResolvers<Attempt>();
      const givenUp = caller.failure({ url: `${url}lost` }, { begun: resolve });
      await server.until(() => server.requests.length === 2);
      (await promise).giveUp();
      await givenUp;
      const { options } = await caller.failure({ url: `${url}large`, maxResponse: '1kb' });
      expect(options.code).toBe('upstream-unfit');
      held[0]?.();
      expect(await kept).toBe('late');
      expect(server.connections).toBe(1);
    });

    test.each([constants.NGHTTP2_CANCEL, constants.NGHTTP2_INTERNAL_ERROR])(
      'fails where it resets the stream of a half answer with code %i',
      async (code) => {
        const server = await caller.serve((request, response) => {
          const { stream } = response as unknown as Http2ServerResponse;
          if (request.url === '/whole') {
            response.end('123');
            return;
          }
          // Else Node would end the answer before it resets the stream.
          stream.end = () => stream;
          response.write('12', () => stream.close(code));
        }, 'h2');
        const url = configured(server);
        const { message, options } = await caller.failure({ url: `${url}half` });
        expect(message).toContain('answered 200, but its body broke off after 2 bytes');
        expect(options.code).toBe('upstream-unfit');
        expect(await caller.call({ url: `${url}whole` })).toBe('123');
      },
    );

    test('is asked so through a proxy as well', async () => {
      const proxy = await HttpProxy.start();
      const server = await caller.serve(over, 'h2');
      caller.upstreams.configure(named(server), { ...trusting, http2: true, proxy: proxy.url() });
      expect(await caller.call({ url: `${named(server)}/` })).toBe('2.0');
      expect(proxy.asked).toHaveLength(1);
      await proxy.close();
    });
  });
});
