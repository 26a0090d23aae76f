import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import supertest from 'supertest';
import { CapturedLog } from '../../support/captured-log.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { inlineTask } from '../../support/inline-task.js';
import { sendRaw } from '../../support/raw-http.js';
import { activeResources, expectNothingLeft } from '../../support/resources.js';
import { StreamReader } from '../../support/stream-reader.js';
import { startGuardedHost } from './guarded-host.js';

const echo = inlineTask('echo', { only: { run: (input) => input } });

describe.each(['express', 'fastify'] as const)('the HTTP face within an application, with %s,', (name) => {
  const race = new ControlledTask('race', { fast: {}, slow: {} });
  const log = new CapturedLog();
  let host: INestApplication;
  let url: string;
  let resources: string[];
  const http = () => supertest(`${url}/work/runner`);

  beforeAll(async () => {
    resources = await activeResources();
    host = await startGuardedHost(name, log, [...echo, ...race.providers]);
    url = await host.getUrl();
  });
  afterAll(async () => {
    await host.close();
    await expectNothingLeft(resources);
  });

  const run = (input: unknown, task = 'echo') => http().post(`/tasks/${task}/runs`).send({ input });

  test('reads bodies itself, with integers that a double can’t hold, and leaves those of the host to it', async () => {
    const body = '{"input":{"id":175928847299117063}}';
    const answer = await http().post('/tasks/echo/runs').type('application/json').send(body).expect(200);
    expect(answer.text).toContain('"result":{"id":175928847299117063}');
    const large = { runs: Array.from({ length: 1_000 }, () => ({ input: 'x'.repeat(500) })) };
    const batch = await http().post('/tasks/echo/runs:batch').send(large).expect(200);
    expect(batch.body).toMatchObject({ accepted: 1_000 });
    await supertest(url)
      .post('/own')
      .send({ a: 1 })
      .expect(201, { body: { a: 1 } });
    await supertest(url).get('/own/frontrunner').expect(200, 'own');
    const nowhere = await supertest(url).get('/work').expect(404);
    expect(nowhere.body).toMatchObject({ statusCode: 404 });
  });

  test.each([
    ['', 302],
    ['/', 302],
    ['?x=1', 302],
    ['/?x=1', 302],
    ['/tasks/', 200],
    ['/tasks?x=1', 200],
    ['/tasks/echo%2F', 404],
    ['/docs/', 200],
    ['/docs/swagger-ui.css', 200],
    ['/openapi.json', 200],
  ])('answers at %j', async (path, status) => {
    await supertest(url).get(`/work/runner${path}`).expect(status);
  });

  test('answers what it doesn’t know with problem documents, whatever the method', async () => {
    const at = (method: string, path: string) =>
      sendRaw(`${url}/work/runner`, [`${method} ${path} HTTP/1.1`]);
    expect(await at('GET', '/nowhere')).toMatch(/^HTTP\/1.1 404 [^]*"\/work\/runner\/problems\/not-found"/);
    for (const method of ['PUT', 'PROPFIND', 'TRACE'])
      expect(await at(method, '/tasks')).toMatch(
        /^HTTP\/1.1 405 [^]*allow: GET, HEAD, OPTIONS\r[^]*"instance":"\/work\/runner\/tasks"/i,
      );
    expect(await at('HEAD', '/tasks')).toMatch(/^HTTP\/1.1 200 /);
    await supertest(url)
      .get('/work/runners')
      .expect(404, /statusCode/);
  });

  test('answers below its path however that is written, or not at all', async () => {
    const status = name === 'fastify' ? 200 : 404;
    await supertest(url).get('/w%6Frk/runner/tasks').expect(status);
  });

  test('says that it answers none but requests of a socket', async () => {
    if (name === 'express') return;
    const fastify = host as NestFastifyApplication;
    const { statusCode, payload } = await fastify.inject({ method: 'GET', url: '/work/runner/tasks' });
    expect([statusCode, payload]).toEqual([505, expect.stringContaining('HTTP/1.1 alone')]);
  });

  test('makes links below its path, or below what it is told', async () => {
    const answer = await run(1).expect(200);
    const location = answer.get('Location')!;
    expect(location).toMatch(/^\/work\/runner\/runs\/[\da-f-]{36}$/);
    await supertest(url).get(location).expect(200);
    const list = await http().get('/runs?limit=1').expect(200);
    expect(list.get('Link')).toMatch(/^<\/work\/runner\/runs\?limit=1&cursor=/);
    const far = await supertest(url).post('/bare/tasks/far/runs').send({}).expect(200);
    expect(far.get('Location')).toMatch(/^https:\/\/api\.example\.com\/bare\/runs\//);
  });

  test('takes webhooks, and their changes by PATCH, from those alone whom the guards let in', async () => {
    const webhook = { url: 'https://hooks.example.com/', events: ['run.reopened'] };
    await http().post('/webhooks').set('X-User', 'nobody').send(webhook).expect(401);
    const made = await http().post('/webhooks').send(webhook).expect(201);
    const location = made.get('Location')!;
    expect(location).toMatch(/^\/work\/runner\/webhooks\/[\da-f-]{36}$/);
    const change = () => supertest(url).patch(location);
    await change().set('X-Robot', '1').send({ paused: true }).expect(403);
    await change().type('text').send('{}').expect(415);
    await change()
      .send({ paused: true })
      .expect(200, /"state":"paused"/);
    await supertest(url).delete(location).expect(204);
    await supertest(url).get(location).expect(404);
  });

  test('shows a document of its own, without the service’s demo, keys and names', async () => {
    const document = await http().get('/openapi.json').expect(200);
    expect(document.body).toMatchObject({ servers: [{ url: '/work/runner' }] });
    expect(document.body).not.toHaveProperty('components.securitySchemes');
    expect(document.text).not.toMatch(/run-tasks|ALLOWED_HOSTS|CORS_ORIGINS|API_KEYS|npm run keys/);
    expect((await http().get('/docs/swagger-ui-init.js').expect(200)).text).toContain(
      '"url": "/work/runner"',
    );
    const run = await supertest(url).get('/bare/runs/some').set('Accept', 'text/html').expect(406);
    expect(run.get('Location')).toBeUndefined();
    for (const path of ['/', '/docs', '/openapi.json', '/ui', '/ui/', '/ui/main.js']) {
      const hidden = await supertest(url).get(`/bare${path}`).expect(404);
      expect(hidden.body).toMatchObject({ type: 'https://api.example.com/bare/problems/not-found' });
    }
  });

  test('shows the page, with all of its files, to those alone whom the guards let in', async () => {
    for (const path of ['/ui/', '/ui/main.js', '/ui/vendor/preact.js']) {
      await http().get(path).expect(200);
      await http().get(path).set('X-User', 'nobody').expect(401);
      await http().get(path).set('X-Robot', '1').expect(403);
    }
  });

  test.each<[Record<string, string>, number, string]>([
    [{ 'X-Robot': '1' }, 403, 'forbidden'],
    [{ 'X-Late': '1' }, 403, 'forbidden'],
    [{ 'X-Knock': 'wrong' }, 401, 'unauthorized'],
    [{ 'X-User': 'nobody' }, 401, 'unauthorized'],
    [{ 'X-User': 'banned' }, 403, 'forbidden'],
    [{ 'X-Fast': '1' }, 403, 'forbidden'],
    [{ 'X-User': 'bug' }, 500, 'internal-error'],
    [{ 'X-User': 'nameless' }, 500, 'internal-error'],
  ])(
    'asks the guards of the host and its own, whose refusals are problem documents: %j',
    async (headers, status, code) => {
      const refused = await run(1)
        .set(headers)
        .expect(status)
        .expect('Content-Type', /problem\+json/);
      expect(refused.body).toMatchObject({
        type: `/work/runner/problems/${code}`,
        instance: '/work/runner/tasks/echo/runs',
      });
      expect(refused.get('X-Request-Id')).toMatch(/^[\da-f-]{36}$/);
      if (headers['X-User'] === 'nobody') expect(refused.get('WWW-Authenticate')).toBe('Bearer');
      if (headers['X-Knock'])
        expect((refused.body as { detail: string }).detail).toBe('that was the wrong knock');
      if (status === 500) expect(JSON.stringify(refused.body)).not.toMatch(/bug of|must return/);
    },
  );

  test('takes guards from the modules that provide them, made once or for each request', async () => {
    const send = (headers: Record<string, string>) => supertest(url).get('/bare/tasks').set(headers);
    await send({}).expect(200);
    await send({}).expect(200);
    await send({ 'X-Angry': 'key-of-ada' }).expect(403);
    await send({ 'X-Stale': 'key-of-ada' }).expect(403);
    await send({ 'X-Late': '1' }).expect(403);
  });

  test('keeps headers that guards and hooks set, and lets hooks refuse', async () => {
    const { headers } = await http().get('/tasks').set('Origin', 'https://web.example').expect(200);
    expect(headers).toMatchObject({
      'x-guarded': 'yes',
      'access-control-allow-origin': 'https://web.example',
    });
    if (name === 'express') return;
    expect(headers).toMatchObject({ 'x-hook': 'yes' });
    const refused = await http().get('/tasks').set('X-Hook', '1').expect(403);
    expect(refused.body).toMatchObject({
      type: '/work/runner/problems/forbidden',
      detail: 'the hook says no',
    });
  });

  test('gives nobody the run of an idempotency key of another client', async () => {
    const send = (user: string) => run(1).set('Idempotency-Key', '"mine"').set('X-User', user).expect(200);
    const ids = new Set<string>();
    for (const user of ['key-of-ada', 'a:b', 'a:c', '', 'key-of-ada'])
      ids.add(((await send(user)).body as { runId: string }).runId);
    expect(ids.size).toBe(4);
    const clients = await Promise.all(
      [...ids].map(async (id) => (await http().get(`/runs/${id}`)).body as { client?: string }),
    );
    expect(clients.map(({ client }) => client)).toEqual(['ada', 'a:b', 'a:c', undefined]);
  });

  test('sends events as they come, also where the host compresses', async () => {
    const answer = run(1, 'race').then(({ body }) => body as object);
    const { fast, slow } = await race.all();
    const reader = await StreamReader.open(`${url}/work/runner/runs/${fast.context.runId}/events`);
    fast.succeed('won');
    await reader.until(() => reader.events.some(({ type }) => type === 'run.replied'));
    expect(await answer).toMatchObject({ result: 'won' });
    slow.succeed();
    expect(await reader.ended).toEqual({ complete: true });
    const packed = await http()
      .get('/openapi.json')
      .set('Accept-Encoding', 'gzip')
      .expect('Content-Encoding', 'gzip');
    expect(packed.body).toHaveProperty('openapi');
  });

  test('tells a caller to go on once where a body is announced', async () => {
    const call = httpRequest(`${url}/work/runner/tasks/echo/runs`, {
      method: 'POST',
      agent: false,
      headers: { Expect: '100-continue', 'Content-Type': 'application/json' },
    });
    let told = 0;
    call.on('continue', () => {
      told += 1;
      call.end('{"input":1}');
    });
    const status = new Promise((resolve) =>
      call.once('response', (response) => resolve(response.resume().statusCode)),
    );
    call.flushHeaders();
    expect(await status).toBe(200);
    expect(told).toBe(1);
  });

  test('refuses pages of other origins, and names the option that lets them in', async () => {
    const refused = await run(1).set('Origin', 'https://evil.example').expect(403);
    expect(refused.body).toMatchObject({
      type: '/work/runner/problems/foreign-page',
      detail: expect.stringContaining('http.origins'),
    });
  });
});
