import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { problemTypes } from '../../../src/http/problems.js';
import { expectProblem } from '../../support/problem.js';
import { sendRaw } from '../../support/raw-http.js';
import { TestApp } from '../../support/test-app.js';

const RUN_ID = '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b';

describe('an address that nothing answers at', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start();
  });
  afterAll(() => service.close());

  test.each(['nobody', 'Demo', '__proto__', 'constructor', '%2e%2e', 'caf%C3%A9'])(
    'is an unknown task: %s',
    async (name) => {
      await expectProblem(service, await service.http.get(`/tasks/${name}`), 404, 'task-unknown');
      await expectProblem(service, await service.run(name), 404, 'task-unknown');
    },
  );

  test.each([RUN_ID, 'nobody', '__proto__', '%00'])('is an unknown run: %s', async (id) => {
    await expectProblem(service, await service.http.get(`/runs/${id}`), 404, 'run-unknown');
  });

  test.each(['/nowhere', '/tasks/demo/run', '/problems/nobody', '/problems/__proto__', '/docs/nowhere'])(
    'is not found: %s',
    async (path) => {
      await expectProblem(service, await service.http.get(path), 404, 'not-found');
    },
  );

  test('is not found with any method or query', async () => {
    await expectProblem(service, await service.http.post('/nowhere?a=1').send({ a: 1 }), 404, 'not-found');
    await expectProblem(service, await service.http.delete('/nowhere'), 404, 'not-found');
  });

  test.each(['/tasks/%zz', '/runs/%', '/runs/%E0%A4', '/problems/%f'])(
    'is a bad request when its percent signs are: %s',
    async (path) => {
      await expectProblem(service, await service.http.get(path), 400, 'bad-request');
    },
  );

  test.each(['http://[', 'https://[::1/tasks'])(
    'is a bad request when it names a host that can’t be read: %s',
    async (target) => {
      const answer = await sendRaw(service.url, [`GET ${target} HTTP/1.1`]);
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      expect(head).toMatch(/^HTTP\/1.1 400 [^]*content-type: application\/problem\+json/i);
      expect(JSON.parse(body)).toMatchObject({
        type: '/problems/bad-request',
        status: 400,
        instance: target,
      });
    },
  );

  test('is a bad request for a run of a task as well', async () => {
    await expectProblem(service, await service.run('%zz'), 400, 'bad-request');
  });

  test.each([
    ['post', '/run-tasks', 'GET, HEAD, OPTIONS'],
    ['delete', '/tasks', 'GET, HEAD, OPTIONS'],
    ['put', '/tasks/demo', 'GET, HEAD, OPTIONS'],
    ['get', '/tasks/demo/runs', 'POST, OPTIONS'],
    ['patch', `/runs/${RUN_ID}`, 'GET, HEAD, DELETE, OPTIONS'],
    ['post', '/health/live', 'GET, HEAD, OPTIONS'],
    ['delete', '/health/ready', 'GET, HEAD, OPTIONS'],
    ['delete', '/problems', 'GET, HEAD, OPTIONS'],
    ['post', '/docs', 'GET, HEAD, OPTIONS'],
    ['put', '/openapi.json', 'GET, HEAD, OPTIONS'],
    ['post', '/TASKS/', 'GET, HEAD, OPTIONS'],
    ['put', '/problems/run-failed?x=1', 'GET, HEAD, OPTIONS'],
  ] as const)('names the methods it has when asked with %s: %s', async (method, path, allow) => {
    const response = await service.http[method](path);
    expect(response.get('Allow')).toBe(allow);
    await expectProblem(service, response, 405, 'method-not-allowed');
  });

  test('answers HEAD as it answers GET, without a body', async () => {
    const response = await service.http.head('/tasks').expect(200);
    expect(response.text).toBeFalsy();
    await service.http.head('/tasks/demo/runs').expect(405).expect('Allow', 'POST, OPTIONS');
  });
});

describe('GET /problems', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start();
  });
  afterAll(() => service.close());

  test('leads to a page about every kind of problem', async () => {
    const list = await service.http
      .get('/problems')
      .expect(200)
      .expect('Content-Type', /^text\/html/);
    for (const [code, { title, happened, mend }] of Object.entries(problemTypes)) {
      expect(list.text).toContain(`<a href="problems/${code}">${title}</a>`);
      const page = await service.http.get(`/problems/${code}`).expect(200);
      for (const part of [title, happened, mend]) expect(page.text).toContain(part);
    }
  });
});
