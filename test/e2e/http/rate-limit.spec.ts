import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import supertest from 'supertest';
import { ApiKeys } from '../../support/api-keys.js';
import { expectProblem } from '../../support/problem.js';
import { sendRaw } from '../../support/raw-http.js';
import { TestApp } from '../../support/test-app.js';

describe('RATE_LIMIT', () => {
  const keys = new ApiKeys();
  const greedy = keys.create('greedy', 'runs:read', 'runs:write');
  const modest = keys.create('modest', 'runs:read');
  afterAll(() => keys.remove());
  let service: TestApp;

  async function start(env: Record<string, string>, key?: string): Promise<void> {
    service = await TestApp.start({ env, key });
  }
  afterEach(() => service.close());

  const as = (key: string) => supertest.agent(service.url).auth(key, { type: 'bearer' });

  test('says with every answer how many requests are left, and refuses those past it', async () => {
    await start({ API_KEYS_FILE: keys.path, RATE_LIMIT: '4/1h' }, modest);
    const answers = [
      await as(greedy).get('/tasks'),
      await as(greedy).get('/nowhere'),
      await as(greedy).post('/tasks/demo/runs').type('json').send('{'),
      await as(greedy).get('/docs/swagger-ui.css'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 400, 200]);
    answers.forEach((answer, index) => {
      expect(answer.get('RateLimit-Policy')).toBe('"default";q=4;w=3600');
      expect(answer.get('RateLimit')).toMatch(new RegExp(`^"default";r=${3 - index};t=3(600|5\\d\\d)$`));
    });
    for (const path of ['/tasks', '/run-tasks', '/docs']) {
      const refused = await as(greedy).get(path);
      expect(refused.get('RateLimit')).toMatch(/^"default";r=0;t=3(600|5\d\d)$/);
      expect(refused.get('Retry-After')).toMatch(/^3(600|5\d\d)$/);
      if (path === '/tasks') await expectProblem(service, refused, 429, 'too-many-requests');
      else expect(refused.status).toBe(429);
    }
    expect(service.events).toEqual([]);
  });

  test('counts each key on its own, and unknown callers by their address whatever they present', async () => {
    await start({ API_KEYS_FILE: keys.path, RATE_LIMIT: '2/1h' });
    const unknown = () => as(`fr_${Math.random()}`).get('/tasks');
    await unknown().expect(401);
    await supertest(service.url).get('/tasks').expect(401);
    await unknown().expect(429);
    await supertest(service.url).get('/tasks').set('X-Forwarded-For', '203.0.113.9').expect(429);
    await as(greedy).get('/tasks').expect(200);
    await as(greedy).get('/tasks').expect(200);
    await as(greedy).get('/tasks').expect(429);
    await as(modest).get('/tasks').expect(200);
  });

  test('counts attempts to sign in by their address, and a session as its key', async () => {
    await start({ API_KEYS_FILE: keys.path, RATE_LIMIT: '3/1h' });
    const signIn = (key: string) => supertest(service.url).post('/session').send({ key });
    const [cookie = ''] = (await signIn(modest).expect(200)).get('Set-Cookie')!;
    await signIn('fr_wrong').expect(401);
    await supertest(service.url).post('/sign-in').type('form').send({ key: 'fr_wrong' }).expect(401);
    await signIn(modest).expect(429);
    const answer = await supertest(service.url).get('/tasks').set('Cookie', cookie).expect(200);
    expect(answer.get('RateLimit')).toMatch(/^"default";r=2;/);
    expect((await as(modest).get('/tasks').expect(200)).get('RateLimit')).toMatch(/^"default";r=1;/);
  });

  test('counts by address where there are no keys, and refuses before any of a body is read', async () => {
    await start({ RATE_LIMIT: '1/1h' });
    await service.http.get('/tasks').auth('a', { type: 'bearer' }).expect(200);
    const head = ['POST /tasks/demo/runs HTTP/1.1', 'Content-Type: application/json', 'Content-Length: 9999'];
    expect(await sendRaw(service.url, head, '{')).toMatch(/^HTTP\/1.1 429 /);
  });

  test('counts each run of a batch, and refuses a batch that is too large but no smaller one after it', async () => {
    await start({ API_KEYS_FILE: keys.path, RATE_LIMIT: '6/1h' }, modest);
    const send = (runs: number) =>
      as(greedy)
        .post('/tasks/demo/runs:batch')
        .send({ runs: Array.from({ length: runs }, () => ({})) });
    const left = (response: supertest.Response) => /r=(\d+)/.exec(response.get('RateLimit')!)?.[1];
    expect(left(await send(3).expect(200))).toBe('3');
    const refused = await send(4);
    await expectProblem(service, refused, 429, 'too-many-requests');
    expect(refused.body).toMatchObject({
      detail: expect.stringMatching(/^Each of the 4 runs .* 2 are left/),
    });
    expect(left(refused)).toBe('2');
    expect(refused.get('Retry-After')).toMatch(/^3(600|5\d\d)$/);
    expect(service.runsStarted).toBe(3);
    expect(left(await send(2).expect(200))).toBe('0');
    expect((await send(1)).status).toBe(429);
    await as(modest).get('/tasks').expect(200);
  });

  test('leaves health alone', async () => {
    await start({ RATE_LIMIT: '1/1h' });
    for (let request = 0; request < 3; request += 1) {
      const response = await service.http.get('/health/live').expect(200);
      expect(response.headers).not.toHaveProperty('ratelimit');
    }
    await service.http.get('/tasks').expect(200);
  });

  test('is off by default where only this machine can call', async () => {
    await start({});
    const response = await service.http.get('/tasks').expect(200);
    expect(response.headers).not.toHaveProperty('ratelimit');
  });

  test('is 1000 a minute by default where others can call, and off where that is asked for', async () => {
    await start({ HOST: '192.0.2.1', ALLOW_ANONYMOUS: 'true' });
    const response = await service.http.get('/tasks').expect(200);
    expect(response.get('RateLimit-Policy')).toBe('"default";q=1000;w=60');
    await service.close();
    await start({ HOST: '192.0.2.1', ALLOW_ANONYMOUS: 'true', RATE_LIMIT: 'off' });
    const unlimited = await service.http.get('/tasks').expect(200);
    expect(unlimited.headers).not.toHaveProperty('ratelimit');
  });
});
