import { describe, expect, test } from '@jest/globals';
import { redirected } from './redirects.js';
import { Upstreams } from './upstreams.js';

describe('redirected', () => {
  const upstreams = new Upstreams();
  const secure = upstreams.declare('https://a.example', false);
  const others = ['https://b.example', 'http://a.example'].map((origin) => upstreams.declare(origin, false));
  upstreams.declare('https://c.example', false);
  const terms = {
    origins: new Map([secure, ...others].map((upstream) => [upstream.origin, upstream])),
    privateHeaders: new Set(['authorization']),
    hasPrivateBody: false,
  };
  const request = { method: 'GET' as const, path: '/x/y', headers: ['Authorization', 'k'], body: null };
  const to = (location: string | string[]) =>
    redirected(
      { upstream: secure, request },
      { status: 302, headers: { location }, body: Buffer.alloc(0) },
      terms,
    );

  test('goes from https to https, without what only the first origin may know', () => {
    expect(to('https://b.example/z').request).toEqual({ ...request, path: '/z', headers: [] });
    expect(to('../z').request).toEqual({ ...request, path: '/z' });
  });

  test('sends no user and password of the Location along', () => {
    expect(to('https://user:password@b.example/z#part').request.path).toBe('/z');
  });

  test('takes a body with variables of the environment to no other origin', () => {
    const hop = { upstream: secure, request: { ...request, method: 'POST' as const, body: 'k' } };
    const follow = (location: string, status: number) =>
      redirected(
        hop,
        { status, headers: { location }, body: Buffer.alloc(0) },
        { ...terms, hasPrivateBody: true },
      );
    expect(() => follow('https://b.example/', 307)).toThrow(
      'must not get the environment variables of its body',
    );
    expect(follow('https://b.example/', 303).request.body).toBeNull();
    expect(follow('/z', 307).request.body).toBe('k');
  });

  test.each([
    ['http://a.example/z', 'from https to http://a.example'],
    ['https://c.example/z', 'to https://c.example, which is none of its origins'],
    ['https://a.example.c.example/', 'to https://a.example.c.example, which is none of its origins'],
    ['https://a.example:8443/', 'to https://a.example:8443, which is none of its origins'],
    ['//c.example', 'to https://c.example, which is none of its origins'],
    ['\\\\c.example', 'to https://c.example, which is none of its origins'],
    [['/a', '/b'], 'without one Location'],
  ])('refuses to go from https://a.example to %j', (location, message) => {
    expect(() => to(location)).toThrow(message);
  });
});
