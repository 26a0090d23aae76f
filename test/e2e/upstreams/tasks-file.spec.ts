import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { SubTask } from '../../../src/tasks/sub-task.js';
import { tasksJsonSchema } from '../../../src/tasks-file/tasks-file.schema.js';
import { DurableService } from '../../support/durable-service.js';
import { expectProblem } from '../../support/problem.js';
import { tasksFiles } from '../../support/tasks-file.js';
import { TestApp } from '../../support/test-app.js';

@SubTask({ name: 'almanac', timeout: '3s' })
class Almanac {
  run = ({ city }: { city: string }) => ({ city, temp: 'as ever' });
}

/** An upstream that answers what the tests say. */
class Weather {
  readonly requests: IncomingMessage[] = [];
  private readonly waiting: ServerResponse[] = [];
  private arrived: (() => void) | undefined;
  private readonly server: Server = createServer((request, response) => {
    this.requests.push(request);
    this.waiting.push(response);
    this.arrived?.();
  });

  async start(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The next request that is unanswered, as soon as it is there. */
  async next(): Promise<ServerResponse> {
    for (;;) {
      const response = this.waiting.shift();
      if (response) return response;
      await new Promise<void>((resolve) => (this.arrived = resolve));
    }
  }

  async answer(body: unknown): Promise<void> {
    const response = await this.next();
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

const SECRET = 'sesame-4711';

describe('a task of a file', () => {
  const write = tasksFiles();
  const weather = new Weather();
  let service: TestApp;
  let file: string;

  const yaml = () => `tasks:
  weather:
    input: { type: object, required: [city], properties: { city: { type: string, minLength: 1 }, id: { type: integer, minimum: 1 } } }
    reply: { policy: primary, primary: eu }
    subTasks:
      - name: eu
        kind: http
        url: ${weather.url}/v1/{city}{?id}
        headers: { Authorization: 'Bearer \${WEATHER_KEY}', X-Id: '{id}' }
        timeout: 20s
        retry: { attempts: 2, delay: 1ms }
        concurrency: 50
        placement: worker
        result: /temp
        allowPrivate: true
      - { kind: class, class: Almanac }
`;

  beforeAll(async () => {
    await weather.start();
    file = write(yaml());
    service = await TestApp.start({ env: { TASKS_FILE: file, WEATHER_KEY: SECRET }, providers: [Almanac] });
  });
  afterAll(async () => {
    await service.close();
    await weather.stop();
  });

  test('runs calls and classes of the code side by side', async () => {
    const answer = service.answer('weather', { input: { city: 'São Tomé' } });
    await weather.answer({ temp: 27 });
    const { runId, result, answeredBy } = await answer;
    expect({ result, answeredBy }).toEqual({ result: 27, answeredBy: 'eu' });
    expect(weather.requests.at(-1)).toMatchObject({
      url: '/v1/S%C3%A3o%20Tom%C3%A9',
      headers: { authorization: `Bearer ${SECRET}` },
    });
    expect((await service.finishedRun(runId)).subTasks).toMatchObject([
      { name: 'eu', status: 'succeeded', result: 27 },
      { name: 'almanac', status: 'succeeded', result: { temp: 'as ever' } },
    ]);
  });

  test('retries as the file says', async () => {
    const answer = service.answer('weather', { input: { city: 'Oslo' } });
    (await weather.next()).writeHead(503).end();
    await weather.answer({ temp: 3 });
    const { runId } = await answer;
    expect((await service.finishedRun(runId)).subTasks[0]).toMatchObject({ attempts: 2, failures: 1 });
  });

  test('is refused inputs that don’t fit, with a JSON Pointer to each mistake', async () => {
    const body = await expectProblem(
      service,
      await service.run('weather', { input: { city: '' } }),
      400,
      'invalid-request',
    );
    expect(body).toMatchObject({
      errors: [{ pointer: '/input/city', detail: 'must NOT have fewer than 1 characters' }],
    });
    const without = await service.run('weather');
    expect(without.body).toMatchObject({ errors: [{ pointer: '/input', detail: 'must be object' }] });
  });

  test('is listed and shown as every task is, with what it calls, and without what only its calls need', async () => {
    const { body } = (await service.http.get('/tasks/weather').expect(200)) as { body: object };
    expect(body).toEqual({
      name: 'weather',
      subTasks: [
        {
          name: 'eu',
          target: `GET ${weather.url}/v1/{city}`,
          timeoutMs: 20_000,
          retry: { attempts: 2, delayMs: 1, maxDelayMs: 10_000, maxWaitMs: 10_000 },
          concurrency: 50,
          placement: 'worker',
          start: 'at-once',
        },
        {
          name: 'almanac',
          timeoutMs: 3_000,
          retry: { attempts: 1, delayMs: 100, maxDelayMs: 10_000, maxWaitMs: 10_000 },
          concurrency: null,
          placement: 'here',
          start: 'at-once',
        },
      ],
      reply: { policy: 'primary', primary: 'eu' },
      losers: 'continue',
      order: 'declared',
      hedgeBudget: 0.1,
      input: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        required: ['city'],
        properties: { city: { type: 'string', minLength: 1 }, id: { type: 'integer', minimum: 1 } },
      },
    });
    const list = await service.http.get('/tasks').expect(200);
    expect((list.body as { tasks: { name: string }[] }).tasks.map(({ name }) => name)).toEqual([
      'demo',
      'weather',
    ]);
  });

  test('keeps the secrets of its headers out of the log, the history and the events, also when it fails', async () => {
    const response = service.run('weather', { input: { city: 'Oslo' } });
    for (const _attempt of [1, 2]) (await weather.next()).writeHead(500).end();
    const failed = await response;
    expect(failed.status).toBe(502);
    const { runId } = failed.body as { runId: string };
    await service.event(runId, 'run.finished');
    const run = await service.showRun(runId);
    const said = JSON.stringify([failed.body, run, service.events, service.log.lines]);
    expect(said).toContain(runId);
    expect(said).not.toContain(SECRET);
  });

  describe('whose run a restart cuts off', () => {
    const durable = new DurableService();
    afterEach(() => durable.end());

    test('is resumed by the next start', async () => {
      const env = { TASKS_FILE: file, WEATHER_KEY: SECRET };
      const before = await durable.start([Almanac], env);
      const response = before.run('weather', { input: { city: 'Rome' } });
      const cutOff = await weather.next();
      const { runId } = await before.until(() =>
        before.events.find(({ type }) => type === 'sub-task.succeeded'),
      );
      durable.crash();
      const after = await durable.start([Almanac], env);
      expect((await response).status).toBe(503);
      cutOff.destroy();
      await weather.answer({ temp: 19 });
      expect(await after.finishedRun(runId)).toMatchObject({
        status: 'succeeded',
        reply: { answeredBy: 'eu', result: 19 },
        subTasks: [{ attempts: 2 }, { attempts: 1 }],
      });
    });

    test('keeps all digits of integers: in the journal, in calls, in replies and wherever runs are shown', async () => {
      const env = { TASKS_FILE: file, WEATHER_KEY: SECRET };
      const before = await durable.start([Almanac], env);
      const send = (service: TestApp, id: string) =>
        service.http
          .post('/tasks/weather/runs')
          .set({ 'Idempotency-Key': '"exact"', 'Content-Type': 'application/json' })
          .send(`{"input":{"city":"Rome","id":${id}}}`);
      const cutOff = send(before, '175928847299117063').then(({ status }) => status);
      (await weather.next()).destroy();
      const { runId } = await before.until(() =>
        before.events.find(({ type }) => type === 'sub-task.retrying'),
      );
      durable.crash();
      await weather.next();
      const after = await durable.start([Almanac], env);
      expect(await cutOff).toBe(503);
      const response = await weather.next();
      expect(weather.requests.slice(-3)).toMatchObject(
        Array(3).fill({ url: '/v1/Rome?id=175928847299117063', headers: { 'x-id': '175928847299117063' } }),
      );
      response.setHeader('Content-Type', 'application/json').end('{"temp":-9007199254740993}');
      await after.event(runId, 'run.finished');
      const reply = await send(after, '175928847299117063').expect(200);
      const shown = await after.http.get(`/runs/${runId}`);
      const events = await after.http.get(`/runs/${runId}/events`);
      for (const { text } of [reply, shown, events]) expect(text).toContain('"result":-9007199254740993');
      for (const { text } of [shown, events]) expect(text).toContain('"id":175928847299117063');
      await expectProblem(after, await send(after, '175928847299117064'), 422, 'idempotency-key-reused');
    });
  });
});

describe('the schema of tasks files', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start();
  });
  afterAll(() => service.close());

  test('is served, to be kept for an hour', async () => {
    const { body } = (await service.http
      .get('/tasks.schema.json')
      .expect(200)
      .expect('Content-Type', 'application/schema+json')
      .expect('Cache-Control', 'max-age=3600')) as { body: unknown };
    expect(body).toEqual(JSON.parse(JSON.stringify(tasksJsonSchema())));
  });
});
