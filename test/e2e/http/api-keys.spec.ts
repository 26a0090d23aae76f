import { Controller, Get, Post, Req } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request } from 'express';
import supertest from 'supertest';
import { Refusals } from '../../../src/http/refusals.js';
import { contextOf } from '../../../src/http/request-context.js';
import { ApiKeys } from '../../support/api-keys.js';
import { expectProblem } from '../../support/problem.js';
import { sendRaw } from '../../support/raw-http.js';
import { TestApp } from '../../support/test-app.js';

const RUN_ID = '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b';

/** Operations that say nothing of scopes. */
@ApiExcludeController()
@Controller('whoami')
class WhoAmI {
  @Get()
  get(@Req() request: Request) {
    return { client: contextOf(request).client };
  }

  @Post()
  post(@Req() request: Request) {
    return { client: contextOf(request).client };
  }
}

describe('a service with API keys', () => {
  const keys = new ApiKeys();
  const both = keys.create('both', 'runs:write', 'runs:read');
  const reader = keys.create('reader', 'runs:read');
  const writer = keys.create('writer', 'runs:write');
  let service: TestApp;

  beforeAll(async () => {
    await keys.choose('correct-horse-battery', 'chosen', 'runs:read');
    service = await TestApp.start({
      env: { API_KEYS_FILE: keys.path },
      key: both,
      controllers: [WhoAmI],
    });
  });
  afterAll(async () => {
    await service.close();
    keys.remove();
  });

  const anonymous = () => supertest(service.url);
  const as = (key: string) => supertest.agent(service.url).auth(key, { type: 'bearer' });

  test.each([
    '/',
    '/docs',
    '/docs/swagger-ui-bundle.js',
    '/openapi.json',
    '/problems',
    '/problems/unauthorized',
    '/tasks',
    '/tasks/demo',
    '/tasks.schema.json',
    '/run-tasks',
    `/runs/${RUN_ID}`,
    '/nowhere',
    '/tasks/%zz',
    '/health',
    '/healthy',
    '//health/live',
    '/run-tasks?/health/live',
  ])('answers 401 to a caller without a key at %s', async (path) => {
    const before = service.runsStarted;
    const response = await anonymous().get(path);
    expect(response.get('WWW-Authenticate')).toBe('Bearer realm="frontrunner"');
    await expectProblem(service, response, 401, 'unauthorized');
    for (const method of ['post', 'put', 'delete', 'options'] as const)
      await anonymous()[method](path).expect(401);
    await anonymous().head(path).expect(401);
    expect(service.runsStarted).toBe(before);
  });

  test.each(['/health/live', '/health/ready', '/Health/Live/'])(
    'answers at %s without a key, and with one that it doesn’t know',
    async (path) => {
      await anonymous().get(path).expect(200);
      await as('fr_nobody').get(path).expect(200);
    },
  );

  test('counts wrong keys, and tells the log of them seldom, without the keys', async () => {
    const { counts } = service.app.get(Refusals);
    const before = counts.get('unauthorized') ?? 0;
    for (let at = 0; at < 30; at += 1) await as(`fr_wrong${at}`).get('/tasks').expect(401);
    expect(counts.get('unauthorized')).toBe(before + 30);
    const lines = service.log.lines.filter(({ msg }) => msg.startsWith('Refused with 401 unauthorized'));
    expect(lines[0]).toMatchObject({ level: 'warn', reason: 'unauthorized', address: '127.0.0.1' });
    expect(lines.length).toBeLessThan(10);
    expect(JSON.stringify(service.log.lines)).not.toContain('fr_wrong');
  });

  test('lets every key see the tasks, the problems and the documentation', async () => {
    for (const key of [both, reader, writer])
      for (const path of [
        '/tasks',
        '/tasks/demo',
        '/problems',
        '/docs',
        '/openapi.json',
        '/tasks.schema.json',
      ])
        await as(key).get(path).expect(200);
  });

  test('lets the scope runs:write start runs, and not look at them', async () => {
    const started = await as(writer).post('/tasks/demo/runs').send({}).expect(200);
    await as(writer).get('/run-tasks').expect(200);
    const response = await as(writer).get(started.get('Location')!);
    expect(response.get('WWW-Authenticate')).toBe(
      'Bearer realm="frontrunner", error="insufficient_scope", scope="runs:read"',
    );
    await expectProblem(service, response, 403, 'forbidden');
    await as(writer).head(started.get('Location')!).expect(403);
    await as(writer).get('/tasks/demo/stats').expect(403);
    await as(reader).get('/tasks/demo/stats').expect(200);
  });

  test('lets the scope runs:read look at runs, and not start any', async () => {
    const { runId } = await service.answer('demo');
    await service.event(runId, 'run.finished');
    await as(reader).get(`/runs/${runId}`).expect(200);
    await as(reader).head(`/runs/${runId}`).expect(200);
    const eventsBefore = service.events.length;
    for (const response of [
      await as(reader).post('/tasks/demo/runs').send({}),
      await as(reader).get('/run-tasks'),
    ]) {
      expect(response.get('WWW-Authenticate')).toBe(
        'Bearer realm="frontrunner", error="insufficient_scope", scope="runs:write"',
      );
      await expectProblem(service, response, 403, 'forbidden');
    }
    await as(reader).head('/run-tasks').expect(403);
    expect(service.events).toHaveLength(eventsBefore);
  });

  test('needs runs:read for GET and runs:write for all else where an operation says nothing of it', async () => {
    await as(reader).get('/whoami').expect(200, { client: 'reader' });
    await as(reader).post('/whoami').expect(403);
    await as(writer).post('/whoami').expect(201, { client: 'writer' });
    await as(writer).get('/whoami').expect(403);
  });

  test('takes a key that somebody chose, by its scrypt hash, however many requests bring it at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 150 }, () => as('correct-horse-battery').get('/whoami')),
    );
    for (const { body } of answers) expect(body).toEqual({ client: 'chosen' });
    await as('correct-horse-batterY').get('/whoami').expect(401);
  });

  test('takes the key as X-API-Key too, unless there is an Authorization header', async () => {
    const by = (key: string) => anonymous().get('/whoami').set('X-API-Key', key);
    await by(reader).expect(200, { client: 'reader' });
    await by(reader).set('Authorization', `Bearer ${both}`).expect(200, { client: 'both' });
    await by(reader).set('Authorization', 'Basic YTpi').expect(401);
    for (const wrong of [`fr_${'A'.repeat(43)}`, `${reader}, ${reader}`, ''])
      await expectProblem(service, await by(wrong), 401, 'unauthorized');
    const field = `X-API-Key: ${reader}`;
    expect(await sendRaw(service.url, ['GET /tasks HTTP/1.1', field, field])).toMatch(/^HTTP\/1.1 401 /);
  });

  test.each([
    ['a key that it doesn’t know', `Bearer fr_${'A'.repeat(43)}`],
    ['a key with a letter more', `Bearer ${both}A`],
    ['a key with a letter less', `Bearer ${both.slice(0, -1)}`],
    ['a key of twelve thousand letters', `Bearer ${'A'.repeat(12_000)}`],
    ['characters that no key has', 'Bearer "käse" __proto__'],
    ['two keys in one', `Bearer ${both}, Bearer ${both}`],
    ['the hash of a key', 'Bearer 3cbcf782ff17171211c2c50455c1eae48440a7f60b2d3da18ea39581a6e4d320'],
  ])('answers 401 invalid_token to %s', async (_what, authorization) => {
    const response = await anonymous().get('/whoami').set('Authorization', authorization);
    expect(response.get('WWW-Authenticate')).toBe('Bearer realm="frontrunner", error="invalid_token"');
    await expectProblem(service, response, 401, 'unauthorized');
    expect(response.text).not.toContain(authorization.slice('Bearer '.length));
  });

  test('answers 401 to another scheme, as if there were no key', async () => {
    const response = await anonymous().get('/whoami').auth('both', both);
    expect(response.get('WWW-Authenticate')).toBe('Bearer realm="frontrunner"');
    await expectProblem(service, response, 401, 'unauthorized');
    await anonymous().get('/whoami').set('Authorization', both).expect(401);
  });

  test('takes the scheme in any case, with any number of spaces behind it', async () => {
    for (const scheme of ['bearer', 'BEARER', 'Bearer  '])
      await anonymous().get('/whoami').set('Authorization', `${scheme} ${both}`).expect(200);
  });

  test('answers 400 invalid_request to an empty key', async () => {
    const response = await anonymous().get('/tasks').set('Authorization', 'Bearer ');
    expect(response.get('WWW-Authenticate')).toBe('Bearer realm="frontrunner", error="invalid_request"');
    await expectProblem(service, response, 400, 'bad-request');
  });

  test('answers 400 invalid_request to several Authorization headers, even if all are good', async () => {
    const header = `Authorization: Bearer ${both}`;
    const answer = await sendRaw(service.url, ['GET /tasks HTTP/1.1', header, header]);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('error="invalid_request"');
    expect(answer).toContain('"/problems/bad-request"');
  });

  test('answers 400 to control characters in the header', async () => {
    for (const character of ['\0', '\x01', '\x7f']) {
      const header = `Authorization: Bearer ${both}${character}`;
      expect(await sendRaw(service.url, ['GET /tasks HTTP/1.1', header])).toMatch(/^HTTP\/1.1 40[01] /);
    }
  });

  test('refuses a caller without looking at its body', async () => {
    const post = () => anonymous().post('/tasks/demo/runs');
    await expectProblem(service, await post().type('json').send('{'), 401, 'unauthorized');
    await expectProblem(service, await post().type('text/plain').send('x'), 401, 'unauthorized');
    await expectProblem(service, await post().send({ input: 'x'.repeat(200_000) }), 401, 'unauthorized');
  });

  test('gives each client its own idempotency keys', async () => {
    const run = async (key: string) => {
      const response = await as(key).post('/tasks/demo/runs').set('Idempotency-Key', '"same"').send({});
      return [(response.body as { runId: string }).runId, response.get('Idempotency-Replayed')] as const;
    };
    const [[ofBoth], [ofWriter, replayed], again] = [await run(both), await run(writer), await run(both)];
    expect(replayed).toBeUndefined();
    expect(ofWriter).not.toBe(ofBoth);
    expect(again).toEqual([ofBoth, 'true']);
    for (const runId of [ofBoth, ofWriter]) await service.event(runId, 'run.finished');
  });
});

describe('a service without API keys', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ controllers: [WhoAmI] });
  });
  afterAll(() => service.close());

  test('takes every caller as nobody in particular, whatever it presents', async () => {
    for (const authorization of ['Bearer fr_any', 'Basic YTpi', ''])
      await service.http.get('/whoami').set('Authorization', authorization).expect(200, {});
    await service.http.post('/whoami').expect(201, {});
  });
});
