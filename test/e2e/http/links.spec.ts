import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { Response } from 'supertest';
import { sendRaw } from '../../support/raw-http.js';
import { TestApp } from '../../support/test-app.js';

const RUN_ID = '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b';
type Headers = Readonly<Record<string, string>>;

const proxied: Headers = {
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'api.example.com',
  'X-Forwarded-Prefix': '/frontrunner',
};

/** Every link that the service makes, by where it stands. */
async function linksOf({ http }: TestApp, headers: Headers): Promise<Record<string, unknown>> {
  const get = (path: string) => http.get(path).set(headers);
  const demo = await get('/run-tasks').expect(200);
  const answer = await http.post('/tasks/demo/runs').set(headers).send({}).expect(200);
  const list = await get('/runs?limit=1&task=demo').expect(200);
  const unknown = await get(`/runs/${RUN_ID}?a=1`).expect(404);
  const document = await get('/openapi.json').expect(200);
  const swagger = await get('/docs/swagger-ui-init.js').expect(200);
  const { links } = answer.body as { links: { run: string; task: string } };
  const page = list.body as { runs: { id: string; links: { run: string } }[] };
  const withoutId = (link: string) => link.replace(/[\da-f-]{36}/, '<id>');
  return {
    demo: withoutId(demo.get('Location')!),
    location: withoutId(answer.get('Location')!),
    run: withoutId(links.run),
    task: links.task,
    listed: withoutId(page.runs[0]!.links.run),
    next: /^<(.*)\?limit=1&task=demo&cursor=.*>; rel="next"$/.exec(list.get('Link')!)?.[1],
    type: (unknown.body as { type: string }).type,
    instance: withoutId((unknown.body as { instance: string }).instance),
    servers: (document.body as OpenAPIObject).servers,
    swagger: /"servers": \[\s*\{\s*"url": "(.*?)"/.exec(swagger.text)?.[1],
    root: (await get('/').expect(302)).get('Location'),
    page: (await get('/runs/a').set('Accept', 'text/html').expect(303)).get('Location'),
  };
}

const linksAt = (base: string) => ({
  demo: `${base}/runs/<id>`,
  location: `${base}/runs/<id>`,
  run: `${base}/runs/<id>`,
  task: `${base}/tasks/demo`,
  listed: `${base}/runs/<id>`,
  next: `${base}/runs`,
  type: `${base}/problems/run-unknown`,
  instance: `${base}/runs/<id>`,
  servers: [{ url: base || '/' }],
  swagger: base || '/',
  root: `${base}/ui/`,
  page: `${base}/ui/#/runs/a`,
});

describe('links of a service with PUBLIC_URL', () => {
  const PUBLIC_URL = 'https://api.example.com/frontrunner';
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ env: { PUBLIC_URL: `${PUBLIC_URL}/`, TRUSTED_PROXIES: 'loopback' } });
  });
  afterAll(() => service.close());

  test('begin with it, whatever a request says', async () => {
    expect(await linksOf(service, {})).toEqual(linksAt(PUBLIC_URL));
    const headers = { ...proxied, 'X-Forwarded-Prefix': '/other' };
    expect(await linksOf(service, headers)).toEqual(linksAt(PUBLIC_URL));
  });

  test('begin with it in answers to what can’t be read', async () => {
    for (const target of ['http://[', '/tasks HTTP']) {
      const body = (await sendRaw(service.url, [`GET ${target} HTTP/1.1`])).split('\r\n\r\n')[1]!;
      expect(JSON.parse(body)).toMatchObject({ type: `${PUBLIC_URL}/problems/bad-request` });
    }
  });

  test('have a host by which callers may call, and an origin whose pages may', async () => {
    await service.http.get('/runs').set('Host', 'api.example.com').expect(200);
    await service.http.get('/run-tasks').set('Origin', 'https://api.example.com').expect(200);
    await service.http.get('/run-tasks').set('Origin', 'https://evil.example').expect(403);
  });
});

describe('links of a service with TRUSTED_PROXIES', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({
      env: {
        TRUSTED_PROXIES: 'loopback',
        ALLOWED_HOSTS: 'api.example.com',
        RATE_LIMIT: '1000/1h',
      },
    });
  });
  afterAll(() => service.close());

  test('begin with what the proxy says', async () => {
    expect(await linksOf(service, proxied)).toEqual(linksAt('https://api.example.com/frontrunner'));
    expect(await linksOf(service, { 'X-Forwarded-Prefix': '/a/, /b-2/' })).toEqual(linksAt('/a/b-2'));
    expect(await linksOf(service, {})).toEqual(linksAt(''));
  });

  test.each<Headers>([
    { 'X-Forwarded-Prefix': '//evil.example' },
    { 'X-Forwarded-Prefix': 'evil' },
    { 'X-Forwarded-Prefix': '/"><script>' },
    { 'X-Forwarded-Prefix': '/a?b' },
    { 'X-Forwarded-Prefix': `/${'a'.repeat(200)}` },
    { 'X-Forwarded-Host': 'api.example.com', 'X-Forwarded-Proto': 'javascript' },
  ])('have nothing of what is no beginning of a link: %j', async (headers) => {
    const answer = await service.http.get(`/runs/${RUN_ID}`).set(headers);
    expect(answer.body).toMatchObject({ type: '/problems/run-unknown' });
  });

  test.each(['evil.example', 'api.example.com, evil.example', 'api.example.com@evil.example', ''])(
    'have no host that isn’t the service’s, which is 421: %j',
    async (host) => {
      const answer = await service.http.get('/runs').set('X-Forwarded-Host', host);
      expect(answer.status).toBe(421);
      await service.http.get('/health/live').set('X-Forwarded-Host', host).expect(200);
    },
  );

  test('lead no page to the service by a name of its own: what it says for a proxy changes nothing', async () => {
    await service.http
      .get('/runs')
      .set({ ...proxied, Host: 'evil.example' })
      .expect(421);
  });

  test('are of the origin that a page has which asks through the proxy', async () => {
    const Origin = 'https://api.example.com';
    await service.http
      .get('/run-tasks')
      .set({ ...proxied, Origin })
      .expect(200);
    await service.http.get('/run-tasks').set({ Origin }).expect(403);
  });

  const left = (response: Response) => Number(/r=(\d+)/.exec(response.get('RateLimit')!)![1]);
  const ask = async (address: string) =>
    left(await service.http.get('/tasks').set('X-Forwarded-For', address).expect(200));

  test('go with the address that RATE_LIMIT counts: that of whoever called the outermost proxy', async () => {
    expect(await ask('203.0.113.9')).toBe(999);
    // Whatever the caller itself says is further left; some proxies add the port; one may have called another.
    expect(await ask('198.51.100.1, 203.0.113.9')).toBe(998);
    expect(await ask('203.0.113.9:4711')).toBe(997);
    expect(await ask('203.0.113.9, 127.0.0.2')).toBe(996);
    expect(await ask('[2001:db8::1]:4711')).toBe(999);
    expect(await ask('2001:db8::2')).toBe(998);
    const own = left(await service.http.get('/tasks'));
    expect(await ask(`unknown-${'x'.repeat(100)}`)).toBe(own - 1);
  });
});

describe('links of a service without either', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ env: { TRUSTED_PROXIES: '192.0.2.1', RATE_LIMIT: '1000/1h' } });
  });
  afterAll(() => service.close());

  test('believe nothing of who is no trusted proxy', async () => {
    expect(await linksOf(service, { ...proxied, 'X-Forwarded-For': '203.0.113.9' })).toEqual(linksAt(''));
    const before = await service.http.get('/tasks');
    const after = await service.http.get('/tasks').set('X-Forwarded-For', '203.0.113.9');
    const left = (response: Response) => Number(/r=(\d+)/.exec(response.get('RateLimit')!)![1]);
    expect(left(after)).toBe(left(before) - 1);
  });

  test('are relative on pages about problems, which may be stored', async () => {
    for (const [path, link] of [
      ['/problems', 'problems/run-failed'],
      ['/problems/', '../problems/run-failed'],
      ['/problems/run-failed', '../problems'],
      ['/problems/run-failed/', '../../problems'],
    ] as const) {
      const page = await service.http.get(path).expect(200);
      expect(page.text).toContain(`<a href="${link}">`);
    }
  });
});
