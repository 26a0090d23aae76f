import { afterEach, describe, expect, test } from '@jest/globals';
import { TestApp } from '../../support/test-app.js';

const SHOP = 'https://shop.example';

describe('a page of another origin', () => {
  let service: TestApp;
  afterEach(() => service.close());

  const start = async (origins?: string) => {
    service = await TestApp.start({ env: origins === undefined ? {} : { CORS_ORIGINS: origins } });
  };
  const corsHeaders = (response: { headers: object }) =>
    Object.entries(response.headers).filter(
      ([name]) => name.startsWith('access-control-') || name === 'vary',
    );
  const preflight = (path: string, origin: string) =>
    service.http.options(path).set({
      Origin: origin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'content-type,idempotency-key',
    });

  test('is told nothing unless CORS_ORIGINS names origins', async () => {
    await start();
    expect(corsHeaders(await service.http.get('/tasks').set('Origin', SHOP).expect(200))).toEqual([]);
    expect(corsHeaders(await preflight('/tasks/demo/runs', SHOP).expect(204))).toEqual([]);
  });

  test('may call the service when its origin is listed', async () => {
    await start(`http://127.0.0.1:8080, ${SHOP}`);
    const response = await service.http.get('/tasks').set('Origin', SHOP).expect(200);
    expect(Object.fromEntries(corsHeaders(response))).toEqual({
      'access-control-allow-origin': SHOP,
      'access-control-expose-headers':
        'Location,Retry-After,Preference-Applied,Idempotency-Replayed,Age,Cache-Status,X-Request-Id,ETag,Link,RateLimit,RateLimit-Policy',
      vary: 'Origin',
    });
  });

  test('may read what went wrong as well, and the answer to OPTIONS', async () => {
    await start(SHOP);
    for (const [method, path, status] of [
      ['get', '/tasks/nobody', 404],
      ['post', '/tasks', 405],
      ['get', '/tasks/%zz', 400],
      ['options', '/tasks', 204],
    ] as const) {
      const response = await service.http[method](path).set('Origin', SHOP).expect(status);
      expect(response.get('Access-Control-Allow-Origin')).toBe(SHOP);
    }
    await service.http.options('/tasks').set('Origin', SHOP).expect('Allow', 'GET, HEAD, OPTIONS');
  });

  test('is told beforehand which methods and headers it may send, whatever the path', async () => {
    await start(SHOP);
    for (const path of ['/tasks/demo/runs', '/nowhere']) {
      const response = await preflight(path, SHOP).expect(204);
      expect(Object.fromEntries(corsHeaders(response))).toMatchObject({
        'access-control-allow-origin': SHOP,
        'access-control-allow-methods': 'GET,HEAD,POST,DELETE,PATCH,OPTIONS',
        'access-control-allow-headers':
          'Authorization,X-API-Key,Content-Type,Prefer,Idempotency-Key,X-Request-Id,traceparent,If-Match,If-None-Match,Last-Event-ID',
        'access-control-max-age': '7200',
        vary: 'Origin',
      });
    }
    expect(service.events).toEqual([]);
  });

  test.each(['https://other.example', 'http://shop.example', 'https://shop.example:8443', 'null'])(
    'may not call the service when its origin is not listed: %s',
    async (origin) => {
      await start(SHOP);
      const response = await service.http.get('/tasks').set('Origin', origin).expect(200);
      expect(response.get('Access-Control-Allow-Origin')).toBeUndefined();
      expect(response.get('Vary')).toBe('Origin');
      const before = await preflight('/tasks/demo/runs', origin);
      expect(before.get('Access-Control-Allow-Origin')).toBeUndefined();
    },
  );

  test('may call the service whatever its origin when CORS_ORIGINS is *', async () => {
    await start('*');
    const response = await service.http.get('/tasks').set('Origin', SHOP).expect(200);
    expect(response.get('Access-Control-Allow-Origin')).toBe('*');
    expect(response.get('Access-Control-Allow-Credentials')).toBeUndefined();
    expect((await preflight('/tasks', SHOP).expect(204)).get('Access-Control-Allow-Origin')).toBe('*');
  });
});
