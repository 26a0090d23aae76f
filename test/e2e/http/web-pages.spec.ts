import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { ProblemCode } from '../../../src/http/problems.js';
import { ApiKeys } from '../../support/api-keys.js';
import { TestApp } from '../../support/test-app.js';

const EVIL = 'https://evil.example';
const SHOP = 'https://shop.example';
const RUN_ID = '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b';
type Headers = Readonly<Record<string, string>>;

/** What browsers send with requests that pages may make without asking first. */
const fromElsewhere: readonly [string, Headers][] = [
  ['an <img>', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' }],
  [
    'a link or a frame',
    { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', Referer: `${EVIL}/` },
  ],
  [
    'an <img> of another port of this machine',
    { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'no-cors' },
  ],
  ['fetch without CORS', { Origin: EVIL, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' }],
  ['fetch', { Origin: EVIL, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'cors' }],
  ['fetch in a browser that sends no Sec-Fetch-Site', { Origin: EVIL }],
  ['fetch from a sandbox or a file', { Origin: 'null' }],
  ['fetch from another port', { Origin: 'http://127.0.0.1:1' }],
];
const posts = [
  '/tasks/demo/runs',
  `/runs/${RUN_ID}/cancel`,
  `/runs/${RUN_ID}/sub-tasks/first/retry`,
  '/webhooks',
  `/webhooks/${RUN_ID}/rotate-secret`,
];

function expectRefused(answer: { status: number; body: unknown }, code: ProblemCode): void {
  expect(answer).toMatchObject({
    status: code === 'foreign-page' ? 403 : 421,
    body: { type: `/problems/${code}` },
  });
}

describe('a web page of another origin', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start();
  });
  afterAll(() => service.close());

  test.each(fromElsewhere)('starts, cancels and retries nothing with %s', async (_what, headers) => {
    for (const path of ['/run-tasks', '/Run-Tasks/?x=1'])
      expectRefused(await service.http.get(path).set(headers), 'foreign-page');
    expect((await service.http.head('/run-tasks').set(headers)).status).toBe(403);
    for (const path of posts) {
      expectRefused(await service.http.post(path).set(headers), 'foreign-page');
      expectRefused(await service.http.post(path).set(headers).send({}), 'foreign-page');
    }
    for (const method of ['patch', 'delete'] as const)
      expectRefused(await service.http[method](`/webhooks/${RUN_ID}`).set(headers), 'foreign-page');
    expect(service.runsStarted).toBe(0);
  });

  test('starts nothing with a body of a type that needs no preflight', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const answer = await service.http.post('/tasks/demo/runs').set('Content-Type', type).send('{}');
      expect(answer.status).toBe(415);
    }
    expect(service.runsStarted).toBe(0);
  });

  test('is told how to mend it', async () => {
    const answer = await service.http.get('/run-tasks').set({ Origin: EVIL });
    expect(answer.body).toMatchObject({
      title: 'Foreign page',
      detail: `A page of ${EVIL} may not start or change runs; CORS_ORIGINS names those that may`,
    });
  });

  test('may ask for what changes nothing, and can’t read the answer', async () => {
    const answer = await service.http.get('/tasks').set(fromElsewhere[4]![1]).expect(200);
    expect(answer.get('Access-Control-Allow-Origin')).toBeUndefined();
    expect(answer.get('Cross-Origin-Resource-Policy')).toBe('same-origin');
  });
});

describe('what is no page of another origin', () => {
  let service: TestApp;
  afterEach(() => service.close());

  test.each<[string, Headers]>([
    ['a program', {}],
    ['the address bar', { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate' }],
    ['/docs', { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'cors' }],
    ['/docs behind a proxy that changes Host', { Origin: SHOP, 'Sec-Fetch-Site': 'same-origin' }],
  ])('starts runs: %s', async (_what, headers) => {
    service = await TestApp.start();
    await service.http.get('/run-tasks').set(headers).expect(200);
    await service.http.post('/tasks/demo/runs').set(headers).expect(200);
  });

  test.each(['http', 'https'])(
    'starts runs: /docs where no Sec-Fetch-Site is sent, by %s',
    async (scheme) => {
      service = await TestApp.start();
      const Origin = service.url.replace('http', scheme);
      await service.http.post('/tasks/demo/runs').set({ Origin }).send({}).expect(200);
    },
  );

  test('starts runs: a page whose origin CORS_ORIGINS names, and no other', async () => {
    service = await TestApp.start({ env: { CORS_ORIGINS: SHOP } });
    const site = { 'Sec-Fetch-Site': 'cross-site' };
    await service.http
      .get('/run-tasks')
      .set({ ...site, Origin: SHOP })
      .expect(200);
    await service.http.post('/tasks/demo/runs').set({ Origin: SHOP }).send({}).expect(200);
    expectRefused(await service.http.get('/run-tasks').set({ ...site, Origin: EVIL }), 'foreign-page');
    expectRefused(await service.http.get('/run-tasks').set(site), 'foreign-page');
  });

  test('starts runs: any page, where CORS_ORIGINS is *', async () => {
    service = await TestApp.start({ env: { CORS_ORIGINS: '*' } });
    for (const [, headers] of fromElsewhere) await service.http.get('/run-tasks').set(headers).expect(200);
  });
});

describe('a host name that leads to this machine', () => {
  let service: TestApp;
  const keys = new ApiKeys();
  const key = keys.create('ci', 'runs:read', 'runs:write');
  afterEach(() => service.close());
  afterAll(() => {
    keys.remove();
  });

  test.each(['evil.example', 'evil.example:3000', 'localhost.evil.example', '192.0.2.1', 'a@localhost', ''])(
    'is not answered to without keys: %j',
    async (Host) => {
      service = await TestApp.start();
      for (const path of ['/runs', '/run-tasks', '/docs', '/events', '/nowhere'])
        expectRefused(await service.http.get(path).set({ Host }), 'misdirected-request');
      expectRefused(
        await service.http.post('/tasks/demo/runs').set({ Host }).send({}),
        'misdirected-request',
      );
      expect(service.runsStarted).toBe(0);
    },
  );

  test('is not answered to by the page’s own preflight, whatever CORS_ORIGINS says', async () => {
    service = await TestApp.start({ env: { CORS_ORIGINS: '*' } });
    const answer = await service.http
      .options('/tasks/demo/runs')
      .set({ Host: 'evil.example', Origin: EVIL, 'Access-Control-Request-Method': 'POST' });
    expect(answer.status).toBe(421);
    expect(answer.get('Access-Control-Allow-Origin')).toBeUndefined();
  });

  test('is told how to mend it', async () => {
    service = await TestApp.start();
    const answer = await service.http.get('/runs').set({ Host: 'runs.internal' });
    expect(answer.body).toMatchObject({
      detail: expect.stringMatching(/runs\.internal.*ALLOWED_HOSTS.*API_KEYS_FILE/),
    });
  });

  test('may ask for health by any name, as probes do', async () => {
    service = await TestApp.start();
    await service.http.get('/health/ready').set({ Host: 'evil.example' }).expect(200);
  });

  test('is answered to when ALLOWED_HOSTS has it, or it is HOST', async () => {
    service = await TestApp.start({
      env: { HOST: 'localhost', ALLOWED_HOSTS: 'runs.internal, a.example' },
    });
    for (const Host of ['runs.internal:8080', 'A.example', 'localhost'])
      await service.http.get('/runs').set({ Host }).expect(200);
    expectRefused(await service.http.get('/runs').set({ Host: 'b.example' }), 'misdirected-request');
  });

  test('is answered to where callers need a key: no page of its has one', async () => {
    service = await TestApp.start({ env: { API_KEYS_FILE: keys.path }, key });
    await service.http.get('/runs').set({ Host: 'evil.example' }).expect(200);
  });
});
