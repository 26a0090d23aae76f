import type { LookupFunction } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Caller } from '../../support/http-sub-task.js';
import { json, misbehaviours } from '../../support/upstreams.js';

/** Finds every name on loopback. */
const lookup: LookupFunction = (_hostname, _options, callback) => {
  process.nextTick(callback, null, [{ address: '127.0.0.1', family: 4 }]);
};

describe('HTTP sub-tasks', () => {
  let caller: Caller;

  beforeEach(async () => {
    caller = await Caller.create(lookup);
  });
  afterEach(() => caller.close());

  describe('a redirect', () => {
    test.each([301, 302, 303, 307, 308])(
      'with %i is followed to an origin of its redirects',
      async (status) => {
        const there = await caller.serve(json('there'));
        caller.subTask({ url: `${there.origin}/` });
        const here = await caller.serve(misbehaviours.redirect(`${there.origin}/a/../b?c#d`, status));
        expect(await caller.call({ url: `${here.origin}/`, redirects: [there.origin] })).toBe('there');
        expect(there.requests[0]?.target).toBe('/b?c');
      },
    );

    test('is followed relative to where it was, and its connection is used again', async () => {
      const server = await caller.serve(({ url }, response) => {
        if (url === '/a/b?c') response.writeHead(302, { location: 'd?e' }).end('moved');
        else response.end(url);
      });
      expect(await caller.call({ url: `${server.origin}/a/b?c` })).toBe('/a/d?e');
      expect(server.connections).toBeLessThanOrEqual(2);
    });

    test('takes no secrets to another origin, and all to the same', async () => {
      const there = await caller.serve(json('there'));
      caller.subTask({ url: `${there.origin}/` });
      const here = await caller.serve((request, response) => {
        response.writeHead(307, { location: request.url === '/' ? '/again' : `${there.origin}/x` }).end();
      });
      const subTask = caller.subTask(
        {
          url: `${here.origin}/`,
          redirects: [there.origin],
          headers: {
            Authorization: 'Basic x',
            COOKIE: 'a=b',
            'X-Key': 'k ${KEY}',
            'X-Plain': 'p',
            'X-In': '{a}',
          },
        },
        { KEY: 'secret' },
      );
      expect(await caller.call(subTask, { input: { a: 1 } })).toBe('there');
      const all = {
        authorization: 'Basic x',
        cookie: 'a=b',
        'x-key': 'k secret',
        'x-plain': 'p',
        'x-in': '1',
      };
      expect(here.requests.map(({ headers }) => headers)).toEqual([
        expect.objectContaining(all),
        expect.objectContaining(all),
      ]);
      const { headers } = there.requests[0]!;
      expect(headers).toMatchObject({ 'x-plain': 'p', 'x-in': '1' });
      for (const name of ['authorization', 'cookie', 'x-key']) expect(headers).not.toHaveProperty(name);
    });

    test('of a POST is followed as a POST with 307 and 308, as a GET with 303, and not at all otherwise', async () => {
      const there = await caller.serve(json('there'));
      caller.subTask({ url: `${there.origin}/` });
      const post = async (status: number) => {
        const here = await caller.serve(misbehaviours.redirect(`${there.origin}/`, status));
        return caller.subTask({
          url: `${here.origin}/`,
          method: 'POST',
          body: { a: 1 },
          redirects: [there.origin],
        });
      };
      for (const status of [307, 308, 303]) await caller.call(await post(status));
      expect(there.requests.map(({ method, body }) => `${method} ${body}`)).toEqual([
        'POST {"a":1}',
        'POST {"a":1}',
        'GET ',
      ]);
      expect(there.requests[2]?.headers).not.toHaveProperty('content-type');
      for (const status of [301, 302])
        expect((await caller.failure(await post(status))).options).toMatchObject({
          code: 'upstream-status',
          retry: false,
          upstream: { status, excerpt: 'moved' },
        });
    });

    test('to an origin that only another sub-task names is a failure for good: it gets neither headers nor body', async () => {
      const there = await caller.serve(json('there'));
      caller.subTask({ url: `${there.origin}/` });
      const here = await caller.serve(misbehaviours.redirect(`${there.origin}/`, 307));
      const failure = await caller.failure({ url: `${here.origin}/`, method: 'POST', body: { a: 1 } });
      expect(failure.options).toMatchObject({ code: 'upstream-forbidden', retry: false });
      expect(failure.message).toContain(`redirects: [${there.origin}] makes it one`);
      expect(there.requests).toEqual([]);
    });

    test.each([
      ['an origin that is not declared', 'http://undeclared.example/', 'to http://undeclared.example, which'],
      ['another port', 'http://127.0.0.1:1/', 'to http://127.0.0.1:1, which'],
      [
        'an address of the metadata of clouds',
        'http://169.254.169.254/latest',
        'to http://169.254.169.254, which',
      ],
      ['another host without a scheme', '//undeclared.example/', 'to http://undeclared.example, which'],
      ['a file', 'file:///etc/passwd', 'to null, which'],
    ])('to %s is a failure for good', async (_what, to, message) => {
      const server = await caller.serve(misbehaviours.redirect(to));
      const failure = await caller.failure({ url: `${server.origin}/` });
      expect(failure.options).toMatchObject({
        code: 'upstream-forbidden',
        retry: false,
        upstream: { status: 302, excerpt: 'moved' },
      });
      expect(failure.message).toContain(`${server.origin} redirects ${message}`);
    });

    test('to a private address is refused when the origin has been declared without allowPrivate', async () => {
      const there = await caller.serve(json('there'));
      const named = there.origin.replace('127.0.0.1', 'upstream.example');
      caller.subTask({ url: `${named}/`, allowPrivate: false });
      const here = await caller.serve(misbehaviours.redirect(`${named}/`));
      const { options } = await caller.failure({ url: `${here.origin}/`, redirects: [named] });
      expect(options).toEqual({ code: 'upstream-forbidden', retry: false });
      expect(there.connections).toBe(0);
    });

    test.each([
      ['to what is no URL', 'http://[', 'to what is no URL'],
      ['in circles', '/', 'more than 5 times in a row'],
    ])('%s is a failure for good', async (_what, to, message) => {
      const server = await caller.serve(misbehaviours.redirect(to));
      const failure = await caller.failure({ url: `${server.origin}/` });
      expect(failure.options).toMatchObject({ code: 'upstream-status', retry: false });
      expect(failure.message).toBe(`${server.origin} redirects ${message}`);
      expect(server.requests.length).toBe(to === '/' ? 6 : 1);
    });

    test('brings no secret into the message either', async () => {
      const server = await caller.serve(({ headers }, response) => {
        response.writeHead(302, { location: `http://${String(headers['x-key'])}.example/` }).end();
      });
      const subTask = caller.subTask(
        { url: `${server.origin}/`, headers: { 'X-Key': '${KEY}' } },
        { KEY: 'a-secret' },
      );
      expect((await caller.failure(subTask)).message).toContain(
        'redirects to http://[redacted].example, which',
      );
    });

    test('without a Location is a failure for good', async () => {
      const server = await caller.serve(json('moved', 302));
      expect((await caller.failure({ url: `${server.origin}/` })).message).toBe(
        `${server.origin} redirects without one Location`,
      );
    });
  });
});
