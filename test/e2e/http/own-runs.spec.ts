import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import supertest, { type Response } from 'supertest';
import { ApiKeys } from '../../support/api-keys.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { DatabaseFile } from '../../support/database-file.js';
import { expectProblem } from '../../support/problem.js';
import { StreamReader } from '../../support/stream-reader.js';
import { TestApp, type ShownRun } from '../../support/test-app.js';

const OWN = ['runs:read:own', 'runs:write:own'] as const;
const STATUSES = { succeed: 'succeeded', fail: 'failed', nothing: 'running' };
const controlled = new ControlledTask('controlled', {
  only: { callerHeaders: ['authorization', 'x-api-key', 'x-tenant', 'tracestate'] },
});

describe('a key that is good for its own runs', () => {
  let service: TestApp;
  const keys = new ApiKeys();
  const ada = keys.create('ada', ...OWN);
  const bob = keys.create('bob', ...OWN);
  const all = keys.create('all', 'runs:read', 'runs:write');
  beforeAll(async () => {
    service = await TestApp.start({
      env: { API_KEYS_FILE: keys.path },
      key: all,
      providers: controlled.providers,
    });
  });
  afterAll(async () => {
    await service.close();
    keys.remove();
  });

  const as = (key: string) => ({
    get: (path: string) => service.http.get(path).auth(key, { type: 'bearer' }),
    post: (path: string) => service.http.post(path).auth(key, { type: 'bearer' }),
    delete: (path: string) => service.http.delete(path).auth(key, { type: 'bearer' }),
  });

  /** A run of a client that was answered, failed or goes on. */
  async function start(key: string, end?: 'succeed' | 'fail'): Promise<string> {
    const accepted = await as(key).post('/tasks/controlled/runs').set('Prefer', 'respond-async').expect(202);
    const { id } = accepted.body as ShownRun;
    const { succeed, fail } = await controlled.next('only');
    if (end === 'succeed') succeed('mine');
    if (end === 'fail') fail(new Error('failed on purpose'));
    if (end !== undefined) await service.event(id, 'run.finished');
    return id;
  }

  const idsIn = (response: Response) =>
    (response.body as { runs: { id: string }[] }).runs.map(({ id }) => id);
  const runsIn = (response: Response) => [
    ...new Set((response.body as { events: { runId: string }[] }).events.map(({ runId }) => runId)),
  ];

  test.each([
    ['Authorization', `Bearer ${ada}`, { 'X-API-Key': 'of-the-upstream' }, {}],
    ['X-API-Key', ada, { 'X-Tenant': 'acme' }, {}],
    ['X-API-Key', ada, { tracestate: 'a=1' }, { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` }],
    ['X-API-Key', ada, {}, { traceparent: 'none', tracestate: 'a=1' }],
    ['Authorization', `bearer  ${ada}`, {}, { 'X-API-Key': ada, 'X-Tenant': `key=${ada}` }],
  ])(
    'stays out of what runs keep of a request, in %s too, as a tracestate without its traceparent does',
    async (header, key, others, twice) => {
      const response = supertest(service.url)
        .post('/tasks/controlled/runs')
        .set({ [header]: key, ...twice, ...others })
        .send({})
        .then(({ status }) => status);
      const { context, succeed } = await controlled.next('only');
      expect(context.callerHeaders).toEqual(
        Object.fromEntries(Object.entries(others).map(([name, value]) => [name.toLowerCase(), value])),
      );
      succeed();
      expect(await response).toBe(200);
    },
  );

  test('shows, waits for and tells of its own runs, by the name of the client', async () => {
    const id = await start(ada, 'succeed');
    const run = await as(ada).get(`/runs/${id}`).set('Prefer', 'wait=5').expect(200);
    expect(run.body).toMatchObject({ id, client: 'ada', status: 'succeeded' });
    const told = await as(ada).get(`/runs/${id}/events`).expect(200);
    expect(told.body).toMatchObject({
      events: [{ client: 'ada' }, { client: 'ada' }, {}, {}, { client: 'ada' }],
    });
    const stream = await StreamReader.open(`${service.url}/runs/${id}/events`, { key: ada });
    expect(await stream.ended).toEqual({ complete: true });
    expect(stream.events.at(-1)).toMatchObject({ type: 'run.finished', runId: id, client: 'ada' });
  });

  test.each(['succeed', 'fail', undefined] as const)(
    'finds no trace of the run of another client, whose sub-task did: %s',
    async (end) => {
      const id = await start(bob, end);
      const unknown = '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b';
      for (const [method, path] of [
        ['get', ''],
        ['get', '/events'],
        ['get', '/events?after=3'],
        ['delete', ''],
        ['post', '/cancel'],
        ['post', '/sub-tasks/only/retry'],
        ['post', '/sub-tasks/none/retry'],
      ] as const) {
        const ask = (run: string) => as(ada)[method](`/runs/${run}${path}`);
        const [foreign, none] = [await ask(id), await ask(unknown)];
        await expectProblem(service, foreign, 404, 'run-unknown');
        expect(foreign.text.replaceAll(id, unknown)).toBe(none.text);
        expect(Object.keys(foreign.headers)).toEqual(Object.keys(none.headers));
      }
      const held = await as(ada).get(`/runs/${id}`).set({ Prefer: 'wait=1', 'If-None-Match': '*' });
      await expectProblem(service, held, 404, 'run-unknown');
      const stream = await StreamReader.open(`${service.url}/runs/${id}/events`, { key: ada });
      expect(stream.status).toBe(404);
      const seen = await as(bob).get(`/runs/${id}`).expect(200);
      expect(seen.body).toMatchObject({
        client: 'bob',
        status: STATUSES[end ?? 'nothing'],
      });
      if (end === undefined) await as(bob).post(`/runs/${id}/cancel`).expect(200);
    },
  );

  test('cancels and retries its own runs', async () => {
    const failed = await start(ada, 'fail');
    const retried = as(ada)
      .post(`/runs/${failed}/sub-tasks/only/retry`)
      .then((response) => response);
    (await controlled.next('only')).succeed('at last');
    expect((await retried).status).toBe(200);
    const going = await start(ada);
    await as(ada).post(`/runs/${going}/cancel`).expect(200);
    const { events } = (await as(ada).get(`/runs/${failed}/events`).expect(200)).body as {
      events: { client?: string }[];
    };
    expect(events.filter(({ client }) => client !== 'ada')).toEqual([]);
  });

  test('lists its own runs and events alone, page by page, and streams no others', async () => {
    const others = await StreamReader.open(`${service.url}/events?type=run.finished`, { key: bob });
    const stream = await StreamReader.open(`${service.url}/events?type=run.finished`, { key: ada });
    const [first, foreign, second] = [
      await start(ada, 'succeed'),
      await start(bob, 'succeed'),
      await start(ada, 'succeed'),
    ];
    const page = await as(ada).get('/runs?limit=1&status=succeeded').expect(200);
    expect(idsIn(page)).toEqual([second]);
    const { next } = page.body as { next: string };
    const older = await as(ada)
      .get(`/runs?limit=1&status=succeeded&task=controlled&cursor=${next}`)
      .expect(200);
    expect(idsIn(older)).toEqual([first]);
    expect(idsIn(await as(bob).get('/runs?limit=1').expect(200))).toEqual([foreign]);
    expect(idsIn(await as(all).get('/runs?limit=3').expect(200))).toEqual([second, foreign, first]);

    const events = await as(ada).get('/events?limit=1000').expect(200);
    expect(runsIn(events)).toEqual(expect.arrayContaining([first, second]));
    expect(runsIn(events)).not.toContain(foreign);
    await stream.until(() => stream.events.some(({ runId }) => runId === second));
    expect(stream.events.map(({ runId }) => runId)).toEqual([first, second]);
    await others.until(() => others.events.length > 0);
    expect(others.events.map(({ runId }) => runId)).toEqual([foreign]);
    stream.close();
    others.close();
    const replayed = await StreamReader.open(`${service.url}/events?after=0&type=run.started`, { key: bob });
    await replayed.until(() => replayed.events.some(({ runId }) => runId === foreign));
    expect(new Set(replayed.events.map((event) => (event as { client?: string }).client))).toEqual(
      new Set(['bob']),
    );
    replayed.close();
  });

  test('starts its own runs as a batch, whose keys are not those of other clients', async () => {
    const batch = async (key: string) => {
      const runs = [{ idempotencyKey: 'batch' }, {}];
      const response = await as(key).post('/tasks/demo/runs:batch').send({ runs }).expect(200);
      return (response.body as { runs: { id: string; replayed: boolean }[] }).runs;
    };
    const [mine, foreign] = [await batch(ada), await batch(bob)];
    expect([...mine, ...foreign].map(({ replayed }) => replayed)).toEqual([false, false, false, false]);
    for (const { id } of mine) {
      expect((await as(ada).get(`/runs/${id}`).expect(200)).body).toMatchObject({ client: 'ada' });
      expect((await as(bob).get(`/runs/${id}`)).status).toBe(404);
      await service.event(id, 'run.finished');
    }
  });

  test('is not enough for what shows something of all runs', async () => {
    await expectProblem(service, await as(ada).get('/tasks/demo/stats'), 403, 'forbidden');
    await as(all).get('/tasks/demo/stats').expect(200);
    await as(ada).get('/tasks').expect(200);
  });

  test('starts runs with GET /run-tasks too', async () => {
    const { headers } = await as(ada).get('/run-tasks').expect(200);
    const location = String(headers.location);
    expect((await as(ada).get(location).expect(200)).body).toMatchObject({ client: 'ada' });
    expect((await as(bob).get(location)).status).toBe(404);
    await service.event(location.slice('/runs/'.length), 'run.finished');
  });
});

describe('a name that was given to another key', () => {
  let database: DatabaseFile;
  beforeEach(() => {
    database = new DatabaseFile();
  });
  afterEach(() => database.remove());

  test('finds neither the idempotency keys nor the runs of the one before', async () => {
    const files = [new ApiKeys(), new ApiKeys()];
    const [before, after] = files.map((keys) => keys.create('ci', ...OWN));
    const start = (keys: ApiKeys) =>
      TestApp.start({ env: { DATABASE_URL: database.url, API_KEYS_FILE: keys.path } });
    const run = async (service: TestApp, key: string) => {
      const response = await service.http
        .post('/tasks/demo/runs')
        .auth(key, { type: 'bearer' })
        .set('Idempotency-Key', '"same"')
        .expect(200);
      const { runId } = response.body as { runId: string };
      const held = service.http.get(`/runs/${runId}`).auth(key, { type: 'bearer' }).set('Prefer', 'wait=30');
      await held.expect(200);
      return [runId, response.get('Idempotency-Replayed')] as const;
    };
    let service = await start(files[0]!);
    const [first] = await run(service, before!);
    expect(await run(service, before!)).toEqual([first, 'true']);
    await service.close();
    service = await start(files[1]!);
    const [second, replayed] = await run(service, after!);
    expect([second === first, replayed]).toEqual([false, undefined]);
    const ask = (path: string) => service.http.get(path).auth(after!, { type: 'bearer' });
    expect((await ask(`/runs/${first}`)).status).toBe(404);
    expect((await ask('/runs')).body).toMatchObject({ runs: [{ id: second }], next: null });
    await service.close();
    service = await start(files[0]!);
    expect(await run(service, before!)).toEqual([first, 'true']);
    await service.close();
    for (const keys of files) keys.remove();
  });
});
