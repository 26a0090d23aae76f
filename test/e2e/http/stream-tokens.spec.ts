import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { runInThisContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { EventSource } from 'eventsource';
import supertest from 'supertest';
import { Journal } from '../../../src/run/journal.js';
import { ApiKeys } from '../../support/api-keys.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { expectProblem } from '../../support/problem.js';
import { StreamReader } from '../../support/stream-reader.js';
import { TestApp } from '../../support/test-app.js';

const GUIDE = new URL('../../../docs/guide/watching.md', import.meta.url);
const OWN = ['runs:read:own', 'runs:write:own'] as const;
const SHOP = 'https://shop.example';
const controlled = new ControlledTask('controlled', { only: {} });

interface StreamToken {
  readonly token: string;
  readonly expiresAt: string;
  readonly url: string;
}

/** A service, as callers with one of its keys or without see it. */
class Caller {
  constructor(private readonly service: TestApp) {}

  as(key: string) {
    return supertest.agent(this.service.url).auth(key, { type: 'bearer' });
  }

  async token(key: string, stream: { runId: string } | { path: string }): Promise<StreamToken> {
    const made = await this.as(key).post('/stream-tokens').send(stream).expect(200);
    return made.body as StreamToken;
  }

  async start(key: string): Promise<string> {
    const run = this.as(key).post('/tasks/controlled/runs').set('Prefer', 'respond-async');
    return ((await run.expect(202)).body as { id: string }).id;
  }

  /** What is answered to an `EventSource`. */
  get(path: string) {
    return supertest(this.service.url).get(path).set('Accept', 'text/event-stream');
  }
}

describe('a stream token', () => {
  const keys = new ApiKeys();
  const all = keys.create('all', 'runs:read', 'runs:write');
  const ada = keys.create('ada', ...OWN);
  const bob = keys.create('bob', ...OWN);
  const writer = keys.create('writer', 'runs:write');
  let service: TestApp;
  let caller: Caller;
  beforeAll(async () => {
    service = await TestApp.start({
      env: { API_KEYS_FILE: keys.path, CORS_ORIGINS: SHOP },
      key: all,
      providers: controlled.providers,
    });
    caller = new Caller(service);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    await service.close();
    keys.remove();
  });

  test('lets an EventSource read the stream of a run, and nothing else of it', async () => {
    const runId = await caller.start(ada);
    await caller.as(bob).get(`/runs/${runId}/stream`).expect(404);
    await caller.as(writer).get(`/runs/${runId}/stream`).expect(403);
    const { url, token } = await caller.token(ada, { path: `/runs/${runId}/stream` });
    expect(url).toBe(`/runs/${runId}/stream?token=${token}`);
    await caller.get(`/runs/${runId}/events?token=${token}`).expect(401);
    await caller.get(`/runs/${await caller.start(ada)}/stream?token=${token}`).expect(401);
    (await controlled.next('only')).succeed('of the run');
    expect((await caller.get(url).expect(200)).text).toContain('"result":"of the run"');
    (await controlled.next('only')).succeed();
  });

  test('lets an EventSource, which sends no key, read a run to its end', async () => {
    const runId = await caller.start(ada);
    const { url, token } = await caller.token(ada, { runId });
    expect(url).toBe(`/runs/${runId}/events?token=${token}`);
    const source = new EventSource(service.url + url);
    const seen: string[] = [];
    for (const type of ['run.started', 'run.replied', 'run.finished'])
      source.addEventListener(type, () => seen.push(type));
    await once(source, 'run.started');
    (await controlled.next('only')).succeed();
    // It comes back after the end of the stream, and hears that there is no more.
    await new Promise<void>((resolve) => {
      source.addEventListener('error', () => {
        if (source.readyState === source.CLOSED) resolve();
      });
    });
    expect(seen).toEqual(['run.started', 'run.replied', 'run.finished']);
  });

  test('is asked for and used as the guide shows', async () => {
    const [example = ''] = /\/\/ On your server[^]*?(?=```)/.exec(readFileSync(GUIDE, 'utf8')) ?? [];
    const code = example.replace('http://127.0.0.1:3000', service.url);
    const watch = runInThisContext(`async (key, fetch, EventSource) => {${code} return events;}`) as (
      ...args: unknown[]
    ) => Promise<EventSource>;
    class PageEventSource extends EventSource {
      constructor(url: string) {
        super(new URL(url, service.url));
      }
    }
    const events = await watch(all, fetch, PageEventSource);
    await once(events, 'open');
    events.close();
  });

  test('serves pages of other origins that CORS_ORIGINS names', async () => {
    const made = await caller
      .as(all)
      .post('/stream-tokens')
      .set('Origin', SHOP)
      .send({ path: '/events' })
      .expect(200);
    expect(made.get('Access-Control-Allow-Origin')).toBe(SHOP);
    const { url } = made.body as StreamToken;
    const head = await supertest(service.url)
      .head(url)
      .set({ Accept: 'text/event-stream', Origin: SHOP })
      .expect(200);
    expect(head.get('Access-Control-Allow-Origin')).toBe(SHOP);
    expect(head.get('Referrer-Policy')).toBe('no-referrer');
    expect(head.get('Cache-Control')).toMatch(/no-store/);
  });

  test('opens the one stream that it was made for, and nothing else', async () => {
    const [runId, other] = [await caller.start(all), await caller.start(all)];
    for (const made of [
      await caller.token(all, { runId }),
      await caller.token(all, { path: `/runs/${runId}/events` }),
    ]) {
      const path = `/runs/${runId}/events`;
      const query = `?token=${made.token}`;
      for (const good of [path, `${path}/`, path.toUpperCase().replace(runId.toUpperCase(), runId)])
        (await StreamReader.open(service.url + good + query)).close();
      const refused = await caller.get(`/runs/${other}/events${query}`);
      expect(refused.get('WWW-Authenticate')).toBe('Bearer realm="frontrunner", error="invalid_token"');
      await expectProblem(service, refused, 401, 'unauthorized');
      for (const bad of ['/events', `/runs/${runId}`, '/runs', '/tasks', '/docs'])
        await caller.get(bad + query).expect(401);
      await caller
        .get(path + query)
        .set('Accept', 'application/json')
        .expect(401);
      await supertest(service.url).post(`/runs/${runId}/cancel${query}`).expect(401);
      await caller.get(`${path}?token=${made.token}&token=${made.token}`).expect(401);
      await caller
        .get(`${path}?token=${made.token.replace(/^./, (first) => (first === 'W' ? 'X' : 'W'))}`)
        .expect(401);
      await caller.get(`${path}?token=${made.token.slice(0, -4)}`).expect(401);
      await caller.get(`${path}?token=`).expect(401);
      // A key goes before it.
      await caller
        .as(writer)
        .get(path + query)
        .expect(403);
    }
    for (const attempt of [await controlled.next('only'), await controlled.next('only')]) attempt.succeed();
    await service.event(runId, 'run.finished');
    await service.event(other, 'run.finished');
  });

  test('is good for five minutes, and a stream that is open goes on', async () => {
    const { url, expiresAt } = await caller.token(all, { path: '/events' });
    const reader = await StreamReader.open(service.url + url);
    const now = jest.spyOn(service.app.get(Journal), 'now');
    now.mockReturnValue(Date.parse(expiresAt) - 1);
    (await StreamReader.open(service.url + url)).close();
    now.mockReturnValue(Date.parse(expiresAt));
    const refused = await caller.get(url).expect(401);
    expect(refused.body).toMatchObject({
      detail: expect.stringMatching(/has expired.*POST \/stream-tokens/),
    });
    now.mockRestore();
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(5 * 60_000);
    const runId = await caller.start(all);
    await reader.until(() => reader.events.some((event) => event.runId === runId));
    reader.close();
    (await controlled.next('only')).succeed();
    await service.event(runId, 'run.finished');
  });

  test('of a key for its own runs shows those alone', async () => {
    const { url } = await caller.token(ada, { path: '/events' });
    const reader = await StreamReader.open(service.url + url);
    const ids = [await caller.start(bob), await caller.start(ada)];
    for (const attempt of [await controlled.next('only'), await controlled.next('only')]) attempt.succeed();
    await reader.until(() => reader.messages.some(({ event }) => event === 'run.finished'));
    reader.close();
    expect(new Set(reader.events.map(({ runId }) => runId))).toEqual(new Set([ids[1]]));
    for (const runId of ids) await service.event(runId, 'run.finished');
    const [foreign] = ids;
    await caller.as(ada).post('/stream-tokens').send({ runId: foreign }).expect(404);
  });

  test.each([
    [{}, 400],
    [{ runId: '1', path: '/events' }, 400],
    [{ path: '/runs' }, 400],
    [{ path: '/events?task=demo' }, 400],
    [{ path: '/runs/nobody/events' }, 404],
    [{ runId: 'nobody' }, 404],
  ])('is made of %j no more than of nothing: %i', async (body, status) => {
    const answer = await caller.as(all).post('/stream-tokens').send(body).expect(status);
    if (status === 400)
      expect(answer.body).toMatchObject({
        errors: [{ detail: expect.stringMatching(/^takes .*\/runs\/\{id\}\/stream,? without a query$/) }],
      });
  });

  test('is made for nobody whose key may not read', async () => {
    const path = '/events';
    await caller.as(writer).post('/stream-tokens').send({ path }).expect(403);
    await supertest(service.url).post('/stream-tokens').send({ path }).expect(401);
  });

  test('is never told: neither in problems nor in the log', async () => {
    const { token } = await caller.token(all, { path: '/events' });
    for (const path of ['/nowhere', '/tasks', '/runs/nobody/events', '/events/', '/events%zz']) {
      const query = `${path}?token=${token}`;
      const answers = [await caller.get(`${query}&limit=x`), await caller.as(all).get(`${query}&limit=x`)];
      for (const { text } of answers) expect(text).not.toContain(token);
    }
    expect(JSON.stringify(service.log.lines)).not.toContain(token);
  });
});
