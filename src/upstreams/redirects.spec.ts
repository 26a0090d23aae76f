import { describe, expect, test } from '@jest/globals';
import { redirected } from './redirects.js';
import { Upstreams } from './upstreams.js';

describe('redirected', () => {
  const upstreams = new Upstreams();
  const secure = upstreams.declare('https://a.example', false);
  upstreams.declare('https://b.example', false);
  upstreams.declare('http://a.example', false);
  const request = { method: 'GET' as const, path: '/x/y', headers: ['Authorization', 'k'], body: null };
  const to = (location: string | string[]) =>
    redirected(
      { upstream: secure, request },
      { status: 302, headers: { location }, body: Buffer.alloc(0) },
      upstreams,
      new Set(['authorization']),
    );

  test('goes from https to https, without what only the first origin may know', () => {
    expect(to('https://b.example/z').request).toEqual({ ...request, path: '/z', headers: [] });
    expect(to('../z').request).toEqual({ ...request, path: '/z' });
  });

  test('sends no user and password of the Location along', () => {
    expect(to('https://user:password@b.example/z#part').request.path).toBe('/z');
  });

  test.each([
    ['http://a.example/z', 'from https to http://a.example'],
    ['https://c.example/z', 'to https://c.example, which no sub-task'],
    ['https://a.example.c.example/', 'to https://a.example.c.example, which no sub-task'],
    ['https://a.example:8443/', 'to https://a.example:8443, which no sub-task'],
    ['//c.example', 'to https://c.example, which no sub-task'],
    ['\\\\c.example', 'to https://c.example, which no sub-task'],
    [['/a', '/b'], 'without one Location'],
  ])('refuses to go from https://a.example to %j', (location, message) => {
    expect(() => to(location)).toThrow(message);
  });
});
