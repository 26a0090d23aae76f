import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FACES, ofService } from '../../support/faces.js';
import { inlineTask } from '../../support/inline-task.js';
import { expectProblem } from '../../support/problem.js';
import { sendRaw } from '../../support/raw-http.js';
import { TestApp } from '../../support/test-app.js';

describe.each(FACES)('%s: how requests are received, whatever they ask for', (face) => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({
      face,
      providers: inlineTask('echo', { only: { run: (input) => input } }),
    });
  });
  afterAll(() => service.close());

  test.each(['/problems', '/problems/run-failed'])(
    'the page %s is not sent to who says that it has it, which the document says too',
    async (path) => {
      await service.http.get(path).set('If-None-Match', '*').expect(304);
    },
  );

  test('files are not sent to who has them, whatever Cache-Control the request has', async () => {
    const path = '/docs/swagger-ui.css';
    const { headers } = (await service.http.get(path).expect(200)) as { headers: Record<string, string> };
    const { etag, 'last-modified': modified } = headers as { etag: string; 'last-modified': string };
    for (const precondition of [
      { 'If-None-Match': etag },
      { 'If-None-Match': `"other"\t,\t${etag}\t` },
      { 'If-Modified-Since': modified },
    ])
      await service.http
        .get(path)
        .set({ ...precondition, 'Cache-Control': 'no-cache' })
        .expect(304);
    await service.http
      .get('/problems')
      .set({ 'If-None-Match': '*', 'Cache-Control': 'no-cache' })
      .expect(304);
    await service.http.get(path).set('If-None-Match', '"other"').expect(200);
  });

  describe('an Accept header', () => {
    test.each([
      ['/tasks', '*/*'],
      ['/tasks', 'application/json'],
      ['/tasks', 'application/*'],
      ['/tasks', 'application/json;charset=utf-8'],
      ['/tasks', 'text/html, application/json;q=0.1'],
      ['/tasks', 'text/html, */*;q=0.1'],
      ['/tasks', ''],
      ['/problems', 'text/html'],
      ['/docs', 'text/plain'],
    ])('of GET %s may be %j', async (path, accept) => {
      await service.http.get(path).set('Accept', accept).expect(200);
    });

    test.each([
      ['/tasks', 'text/html'],
      ['/tasks', 'application/xml, text/*'],
      ['/tasks', 'application/json;q=0, text/html'],
      ['/tasks', 'application/json;q=0, */*'],
      ['/TASKS/', 'text/html'],
      ['/tasks', 'application/problem+json'],
      ['/problems', 'application/json'],
      ['/tasks', 'nonsense'],
      ['/tasks', 'text/event-stream'],
    ])('of GET %s is refused when it is %s', async (path, accept) => {
      const response = await service.http.get(path).set('Accept', accept);
      await expectProblem(service, response, 406, 'not-acceptable');
    });

    ofService(face, 'hosts have no demo').each(['text/html', 'text/csv'])(
      'is refused before anything is run: %s',
      async (accept) => {
        const before = service.runsStarted;
        const get = await service.http.get('/run-tasks').set('Accept', accept);
        await expectProblem(service, get, 406, 'not-acceptable');
        const post = await service.http
          .post('/tasks/demo/runs')
          .set('Accept', accept)
          .type('text/plain')
          .send('x');
        await expectProblem(service, post, 406, 'not-acceptable');
        await service.http.head('/run-tasks').set('Accept', accept).expect(406);
        expect(service.runsStarted).toBe(before);
      },
    );

    test('need not allow problems', async () => {
      const response = await service.http.get('/tasks/nobody').set('Accept', 'application/json');
      await expectProblem(service, response, 404, 'task-unknown');
    });
  });

  describe('the address of a run', () => {
    test.each([
      'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
      'text/html',
      'text/html, application/json',
      'application/json;q=0.8, text/html',
    ])('leads to the page about it when a browser opens it: %s', async (accept) => {
      for (const path of ['/runs/some', '/Runs/some/?x=1']) {
        const answer = await service.http.get(path).set('Accept', accept).expect(303);
        expect(answer.get('Location')).toBe(`${service.base}/ui/#/runs/some`);
        expect(answer.get('Vary')).toContain('Accept');
        await service.http.head(path).set('Accept', accept).expect(303);
      }
    });

    test.each([
      '*/*',
      'application/json',
      'application/json, text/html',
      'text/html;q=0.9, application/json',
      'text/html;q=0.5, */*',
    ])('shows the run to programs: %s', async (accept) => {
      const run = await service.http.post('/tasks/echo/runs').send({ input: 1 }).expect(200);
      const path = run.get('Location')!.slice(service.base.length);
      const answer = await service.http.get(path).set('Accept', accept).expect(200);
      expect(answer.get('Vary')).toContain('Accept');
      expect(answer.body).toMatchObject({ task: 'echo' });
    });

    test('is the only one that leads there', async () => {
      await service.http.get('/runs').set('Accept', 'text/html').expect(406);
      await service.http.get('/runs/some/events').set('Accept', 'text/html').expect(406);
      await service.http.post('/runs/some').set('Accept', 'text/html').expect(405);
    });
  });

  describe('OPTIONS', () => {
    test.each([
      ['/tasks', 'GET, HEAD, OPTIONS'],
      ['/tasks/demo/runs', 'POST, OPTIONS'],
      ['/Tasks/demo/Runs/?x=1', 'POST, OPTIONS'],
      ['/docs', 'GET, HEAD, OPTIONS'],
      ['/openapi.json', 'GET, HEAD, OPTIONS'],
      ['/', 'GET, HEAD, OPTIONS'],
    ])('of %s is answered with the methods that it has', async (path, allow) => {
      const response = await service.http.options(path).expect(204).expect('Allow', allow);
      expect(response.text).toBeFalsy();
      const names = Object.keys(response.headers);
      expect(names.filter((name) => name.startsWith('access-control'))).toEqual([]);
    });

    ofService(face, 'OPTIONS * is the matter of its server')(
      'of * is answered with the methods that the service has',
      async () => {
        const answer = await sendRaw(service.url, ['OPTIONS * HTTP/1.1']);
        expect(answer).toMatch(/^HTTP\/1.1 204 /);
        expect(answer).toMatch(/^allow: GET, HEAD, POST, DELETE, PATCH, OPTIONS\r$/im);
      },
    );

    test('of a path that does not exist is not found', async () => {
      await expectProblem(service, await service.http.options('/nowhere'), 404, 'not-found');
    });
  });

  test.each([
    '/tasks',
    '/tasks/demo',
    '/health/ready',
    '/problems',
    '/openapi.json',
    '/docs',
    '/tasks/nobody',
  ])('HEAD %s has the headers of GET and no body', async (path) => {
    const headersOf = async (method: 'get' | 'head') => {
      const request = service.http[method](path).set({
        'X-Request-Id': 'mine',
        'Accept-Encoding': 'identity',
      });
      const response = await request;
      const { date: _, ...headers } = response.headers as Record<string, string>;
      return { status: response.status, headers, text: method === 'head' ? response.text : undefined };
    };
    expect(await headersOf('head')).toEqual({ ...(await headersOf('get')), text: undefined });
  });

  ofService(face, 'absolute addresses are the matter of its router')(
    'a request that names its whole URL is one like any other',
    async () => {
      const send = (method: string, path: string) =>
        sendRaw(service.url, [`${method} http://frontrunner.example${path} HTTP/1.1`]);
      expect(await send('GET', '/tasks?x=1')).toMatch(/^HTTP\/1.1 200 /);
      expect(await send('PUT', '/tasks')).toMatch(/^HTTP\/1.1 405 [^]*"instance":"\/tasks"/);
      expect(await send('OPTIONS', '/tasks')).toMatch(/^HTTP\/1.1 204 [^]*\nallow: GET/i);
    },
  );

  describe('an answer', () => {
    test.each([
      '/',
      '/docs',
      '/docs/nowhere',
      '/openapi.json',
      '/problems/nowhere',
      '/runs/nobody',
      '/tasks',
      '/health/live',
    ])('may not be stored when it depends on the moment or on who asks: %s', async (path) => {
      await service.http.get(path).expect('Cache-Control', 'no-store');
    });

    test.each([
      '/problems',
      '/tasks.schema.json',
      '/problems/not-found',
      '/docs/swagger-ui.css',
      '/docs/swagger-ui-bundle.js',
    ])(
      'may be stored for an hour when it changes with the version of the service alone: %s',
      async (path) => {
        await service.http.get(path).expect(200).expect('Cache-Control', 'max-age=3600');
      },
    );

    test.each(['/tasks', '/docs', '/problems/not-found', '/nowhere'])(
      'tells browsers to keep to what it is: %s',
      async (path) => {
        const { headers } = (await service.http.get(path)) as { headers: Record<string, string> };
        expect(headers).toMatchObject({
          'x-content-type-options': 'nosniff',
          'x-frame-options': 'DENY',
          'referrer-policy': 'no-referrer',
          'content-security-policy': expect.stringContaining("default-src 'self'"),
        });
        expect(headers['content-security-policy']).not.toMatch(/script-src|upgrade-insecure|https:/);
        expect(headers).not.toHaveProperty('strict-transport-security');
        if (face === 'service') expect(headers).not.toHaveProperty('x-powered-by');
      },
    );
  });
});
