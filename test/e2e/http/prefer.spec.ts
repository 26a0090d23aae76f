import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Response } from 'supertest';
import { EventBus } from '../../../src/events/event-bus.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { FACES } from '../../support/faces.js';
import { JournalCalls } from '../../support/journal-calls.js';
import { expectProblem } from '../../support/problem.js';
import { TestApp } from '../../support/test-app.js';

const race = new ControlledTask('race', { fast: {}, slow: {} });

describe.each(FACES)('%s: Prefer on POST /tasks/{name}/runs', (face) => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ face, providers: race.providers, env: { MAX_WAIT: '20s' } });
  });
  afterAll(() => service.close());

  /** Sends a request at once. */
  const send = async (...prefer: readonly string[]): Promise<Response> => {
    const request = service.http.post('/tasks/race/runs');
    if (prefer.length > 0) void request.set('Prefer', prefer as never);
    return request.send({});
  };
  const end = async (): Promise<void> => {
    const { fast, slow } = await race.all();
    slow.succeed();
    fast.succeed();
    await service.event(fast.context.runId, 'run.finished');
  };

  test('wait=N answers 202 with the run after N seconds, and the run goes on', async () => {
    const response = await send('wait=0');
    const { fast, slow } = await race.all();
    expect(response.status).toBe(202);
    expect(response.get('Preference-Applied')).toBe('wait=0');
    expect(response.get('Retry-After')).toBe('1');
    expect(response.get('Location')).toBe(`${service.base}/runs/${fast.context.runId}`);
    expect(response.body).toMatchObject({ id: fast.context.runId, status: 'running', reply: null });
    fast.succeed('late');
    slow.succeed();
    const run = await service.finishedRun(fast.context.runId);
    expect(run.reply).toEqual({ answeredBy: 'fast', result: 'late' });
  });

  test('wait=N gives the reply that comes within N seconds', async () => {
    const sent = send('wait=1');
    const { fast, slow } = await race.all();
    fast.succeed('in time');
    const response = await sent;
    expect(response.status).toBe(200);
    expect(response.get('Preference-Applied')).toBe('wait=1');
    expect(response.body).toMatchObject({ result: 'in time', answeredBy: 'fast' });
    slow.succeed();
  });

  test('respond-async answers 202 as soon as the run is accepted', async () => {
    const response = await send('respond-async');
    expect(response.status).toBe(202);
    expect(response.get('Preference-Applied')).toBe('respond-async');
    await end();
  });

  test('respond-async with wait=N waits that long before it answers 202', async () => {
    const sent = send('respond-async, wait=1');
    const { fast, slow } = await race.all();
    fast.succeed();
    const response = await sent;
    expect(response.status).toBe(200);
    expect(response.get('Preference-Applied')).toBe('respond-async, wait=1');
    slow.succeed();
  });

  test.each([
    ['wait=0, wait=100', 'wait=0'],
    ['wait = 0', 'wait=0'],
    ['x="a, wait=0, b"', undefined],
    ['handling=lenient; x=1, Wait=0', 'wait=0'],
    ['"', undefined],
    ['wait', undefined],
    ['wait=-1', undefined],
    ['wait=1.5', undefined],
    ['wait="0"', undefined],
    ['wait=99999999999999999999', undefined],
    ['respond-async=0', undefined],
  ])('%j is understood as far as the RFC goes, and else ignored', async (prefer, applied) => {
    const sent = send(prefer);
    const { fast, slow } = await race.all();
    if (applied === undefined) fast.succeed();
    const response = await sent;
    expect([response.status, response.get('Preference-Applied')]).toEqual([
      applied === undefined ? 200 : 202,
      applied,
    ]);
    fast.succeed();
    slow.succeed();
    await service.event(fast.context.runId, 'run.finished');
  });

  test('several header fields count as one list', async () => {
    expect((await send('handling=strict', 'wait=0')).get('Preference-Applied')).toBe('wait=0');
    await end();
  });

  test('the parameter wait does the same for callers that can’t set headers, and counts more than Prefer', async () => {
    const sent = service.http.post('/tasks/race/runs?wait=0').set('Prefer', 'wait=20').send({});
    const response = await sent;
    expect([response.status, response.get('Preference-Applied')]).toEqual([202, undefined]);
    const { id } = response.body as { id: string };
    const { fast, slow } = await race.all();
    await service.http.get(`/runs/${id}?wait=1ms`).expect(200);
    const shown = service.http.get(`/runs/${id}?wait=20s`).then(({ body }) => body as object);
    fast.succeed();
    slow.succeed();
    expect(await shown).toMatchObject({ id, status: 'succeeded' });
  });

  test.each(['', 'soon', '-1', '1.5', '30d', '1&wait=2'])('?wait=%s starts nothing', async (wait) => {
    const before = service.runsStarted;
    const response = await service.http.post(`/tasks/race/runs?wait=${wait}`).send({});
    const { errors } = await expectProblem(service, response, 400, 'invalid-request');
    expect(errors).toEqual([{ parameter: 'wait', detail: expect.stringContaining('30s') }]);
    expect(service.runsStarted).toBe(before);
  });

  test('curl gets what it prefers', async () => {
    if (spawnSync('curl', ['--version']).error) {
      process.stderr.write('curl is not there, so it was not tried\n');
      return;
    }
    const args = ['-si', '-X', 'POST', '-H', 'Prefer: respond-async', `${service.url}/tasks/race/runs`];
    const { stdout } = await promisify(execFile)('curl', args);
    expect(stdout).toMatch(/^HTTP\/1.1 202 Accepted\r\n/);
    expect(stdout).toMatch(/\r\nPreference-Applied: respond-async\r\n/);
    await end();
  });
});

describe('a caller that is told that its run was accepted', () => {
  afterEach(() => void jest.restoreAllMocks());

  test.each(['respond-async', 'wait=0'])(
    'is told so when the journal has the run, and not before: %s',
    async (prefer) => {
      const durable = new DurableService();
      const task = new ControlledTask('task', { only: {} });
      const service = await durable.start(task.providers);
      const calls = new JournalCalls();
      calls.hold();
      let answered = false;
      const sent = service.http
        .post('/tasks/task/runs')
        .set('Prefer', prefer)
        .send({})
        .then((response) => {
          answered = true;
          return response.status;
        });
      const { only } = await task.all();
      await service.http.get('/health/live');
      expect(answered).toBe(false);
      calls.goOn();
      expect(await sent).toBe(202);
      only.succeed();
      await service.event(only.context.runId, 'run.finished');
      await durable.end();
    },
  );
});

describe.each(FACES)('%s: GET /runs/{id}', (face) => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ face, providers: race.providers, env: { MAX_WAIT: '20s' } });
  });
  afterAll(() => service.close());

  const start = async () => {
    const { body } = (await service.http
      .post('/tasks/race/runs')
      .set('Prefer', 'respond-async')
      .send({})
      .expect(202)) as { body: unknown };
    const { fast, slow } = await race.all();
    return { path: `/runs/${(body as { id: string }).id}`, fast, slow };
  };

  test('has an ETag that changes with the run, and answers 304 to whoever has it', async () => {
    const { path, fast, slow } = await start();
    const first = await service.http.get(path).expect(200);
    const tag = first.get('ETag')!;
    expect(tag).toBe(`W/"${String((first.body as { lastEventId: number }).lastEventId)}"`);
    const known = await service.http.get(path).set('If-None-Match', tag).expect(304);
    expect([known.text, known.get('ETag')]).toEqual(['', tag]);
    for (const list of [`"other", ${tag}`, `"a,b"\t,,\t${tag}\t`, tag.slice(2)])
      await service.http.get(path).set('If-None-Match', list).expect(304);
    for (const list of [`"other"`, `"a, ${tag.slice(3)}`, tag.slice(0, -1), '""'])
      await service.http.get(path).set('If-None-Match', list).expect(200);
    await service.http.get(path).set('If-None-Match', '*').expect(304);
    await service.http.head(path).set('If-None-Match', tag).expect(304);
    fast.succeed();
    slow.succeed();
    await service.event(fast.context.runId, 'run.finished');
    const changed = await service.http.get(path).set('If-None-Match', tag).expect(200);
    expect(changed.get('ETag')).not.toBe(tag);
  });

  test('with wait=N is held until the run is finished', async () => {
    const { path, fast, slow } = await start();
    const held = service.http.get(path).set('Prefer', 'wait=15');
    const shown = held.then((response) => [response.body, response.headers] as unknown[]);
    fast.succeed();
    slow.succeed();
    expect(await shown).toMatchObject([{ status: 'succeeded' }, { 'preference-applied': 'wait=15' }]);
  });

  test('with wait=N and If-None-Match is held until the run has changed', async () => {
    const { path, fast, slow } = await start();
    const tag = (await service.http.get(path)).get('ETag')!;
    const held = service.http.get(path).set('Prefer', 'wait=15').set('If-None-Match', tag);
    const shown = held.then((response) => [response.status, response.body] as unknown[]);
    fast.succeed();
    expect(await shown).toMatchObject([200, { status: 'running' }]);
    slow.succeed();
    await service.event(fast.context.runId, 'run.finished');
  });

  test('is held on when an event that the caller has already is told late', async () => {
    const { path, fast, slow } = await start();
    const response = await service.http.get(path);
    const known = service.events.at(-1)!;
    expect(response.body).toMatchObject({ lastEventId: known.id });
    const bus = service.app.get(EventBus);
    const watch = bus.watch.bind(bus);
    const late = Promise.withResolvers<undefined>();
    jest.spyOn(bus, 'watch').mockImplementationOnce((id, watcher) => {
      setImmediate(() => {
        watcher(known);
        late.resolve(undefined);
      });
      return watch(id, watcher);
    });
    const held = service.http.get(path).set('Prefer', 'wait=15').set('If-None-Match', response.get('ETag')!);
    const shown = held.then(({ status }) => status);
    await late.promise;
    fast.succeed();
    expect(await shown).toBe(200);
    slow.succeed();
    await service.event(fast.context.runId, 'run.finished');
  });

  test('is held for fetch too, which adds Cache-Control: no-cache by itself', async () => {
    const { path, fast, slow } = await start();
    const tag = (await service.http.get(path)).get('ETag')!;
    const known = { 'If-None-Match': tag };
    expect((await fetch(service.url + path, { headers: known })).status).toBe(304);
    const cacheControl = new Promise((resolve) => {
      service.server.prependOnceListener('request', ({ headers }) => resolve(headers['cache-control']));
    });
    const held = fetch(service.url + path, { headers: { ...known, Prefer: 'wait=15' } });
    expect(await cacheControl).toBe('no-cache');
    await service.http.get('/health/live').expect(200);
    fast.succeed();
    const { status, headers } = await held;
    expect(status).toBe(200);
    expect(headers.get('ETag')).not.toBe(tag);
    slow.succeed();
    await service.event(fast.context.runId, 'run.finished');
  });

  test('is not held for a run that is finished, whether the caller has it or not, or that there is not', async () => {
    const { path, fast, slow } = await start();
    fast.succeed();
    slow.succeed();
    await service.event(fast.context.runId, 'run.finished');
    const tag = (await service.http.get(path).set('Prefer', 'wait=15').expect(200)).get('ETag')!;
    await service.http.get(path).set('Prefer', 'wait=15').set('If-None-Match', tag).expect(304);
    await service.http.get('/runs/none').set('Prefer', 'wait=15').expect(404);
  });

  test('is answered at once when the service stops', async () => {
    const stopping = await TestApp.start({
      face,
      providers: new ControlledTask('other', { only: {} }).providers,
      env: { MAX_WAIT: '25s', SHUTDOWN_GRACE: '0ms' },
    });
    const { body } = (await stopping.http
      .post('/tasks/other/runs')
      .set('Prefer', 'respond-async')
      .send({})
      .expect(202)) as { body: unknown };
    const held = stopping.http
      .get(`/runs/${(body as { id: string }).id}`)
      .set('Prefer', 'wait=25')
      .then(({ status }) => status);
    await stopping.http.get('/health/live');
    const closed = stopping.close();
    expect(await held).toBe(200);
    await closed;
  });
});
