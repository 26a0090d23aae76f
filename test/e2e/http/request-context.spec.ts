import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { sendRaw } from '../../support/raw-http.js';
import { TestApp } from '../../support/test-app.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE_ID}-00f067aa0ba902b7-00`;
/** What sub-tasks hand on of it. */
const SPAN = new RegExp(`^00-${TRACE_ID}-(?!00f067aa0ba902b7)[0-9a-f]{16}-00$`);

/** The log lines of a run, each without what it says. */
function tiesOf(service: TestApp, runId: string): unknown[] {
  return service.log.lines
    .filter((line) => line.runId === runId)
    .map(({ msg, ...fields }) => ({
      msg,
      requestId: 'requestId' in fields ? fields.requestId : undefined,
      task: 'task' in fields ? fields.task : undefined,
      ...Object.fromEntries(Object.entries(fields).filter(([name]) => /^(trace|span)_/.test(name))),
    }));
}

describe('the id of a request', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start();
  });
  afterAll(() => service.close());

  test.each(['a', 'order-4711', '~!"#$%', 'x'.repeat(200)])('is the caller’s: %s', async (id) => {
    await service.http.get('/tasks').set('X-Request-Id', id).expect(200).expect('X-Request-Id', id);
  });

  test.each([[[]], [['X-Request-Id: ']], [['X-Request-Id: two words']], [['X-Request-Id: é']]])(
    'is a new one when the request has none that is taken: %j',
    async (headers) => {
      const answers = await Promise.all(
        [1, 2].map(() => sendRaw(service.url, ['GET /tasks HTTP/1.1', ...headers])),
      );
      const ids = answers.map((answer) => /^x-request-id: (.*)\r$/im.exec(answer)![1]);
      expect(ids).toEqual([expect.stringMatching(UUID), expect.stringMatching(UUID)]);
      expect(ids[0]).not.toBe(ids[1]);
    },
  );

  test('is a new one when the caller’s is longer than 200 characters, or there are two', async () => {
    const response = await service.http.get('/tasks').set('X-Request-Id', 'x'.repeat(201));
    expect(response.get('X-Request-Id')).toMatch(UUID);
    const answer = await sendRaw(service.url, ['GET /tasks HTTP/1.1', 'X-Request-Id: a', 'X-Request-Id: b']);
    expect(answer).toMatch(/^x-request-id: [0-9a-f-]{36}\r$/im);
  });

  test.each([
    ['get', '/nowhere'],
    ['delete', '/tasks'],
    ['options', '/tasks'],
    ['head', '/tasks'],
    ['get', '/docs'],
    ['get', '/docs/swagger-ui.css'],
    ['get', '/problems/not-found'],
    ['get', '/tasks/%zz'],
  ] as const)('is in every answer: %s %s', async (method, path) => {
    const response = await service.http[method](path).set('X-Request-Id', 'mine');
    expect(response.get('X-Request-Id')).toBe('mine');
  });
});

describe('a run', () => {
  let durable: DurableService;
  let race: ControlledTask<'fast' | 'slow'>;
  beforeEach(() => {
    durable = new DurableService();
    race = new ControlledTask('race', {
      fast: { callerHeaders: ['X-Tenant'] },
      slow: { retry: { attempts: 2, delay: 1 }, callerHeaders: ['Accept-Language', 'x-tenant'] },
    });
  });
  afterEach(() => durable.end());

  const start = (service: TestApp, headers: Record<string, string>) =>
    service.http.post('/tasks/race/runs').set(headers).send({});

  test('keeps the id and the traceparent of the request that started it', async () => {
    const service = await durable.start();
    const call = () => service.http.get('/run-tasks');
    const response = await call().set({ 'X-Request-Id': 'mine', traceparent: TRACEPARENT }).expect(200);
    const run = await service.finishedRun(response.get('Location')!.slice('/runs/'.length));
    expect(run).toMatchObject({ requestId: 'mine', traceparent: TRACEPARENT });

    const plain = await call().set('traceparent', TRACEPARENT.toUpperCase()).expect(200);
    const without = await service.finishedRun(plain.get('Location')!.slice('/runs/'.length));
    expect(without).toMatchObject({ requestId: plain.get('X-Request-Id'), traceparent: null });
  });

  test('has both in each of its log lines, those of its sub-tasks included, and after a crash as well', async () => {
    const service = await durable.start(race.providers);
    const answer = start(service, { 'X-Request-Id': 'mine', traceparent: TRACEPARENT }).then((it) => it);
    const { fast, slow } = await race.all();
    const { runId, logger, traceparent } = fast.context;
    expect(traceparent).toMatch(SPAN);
    expect(fast.context.traceparent).toBe(traceparent);
    expect(slow.context.traceparent).toMatch(SPAN);
    await service.event(runId, 'run.started');
    logger.log('of the sub-task');
    slow.fail(new Error('at first'));
    const again = await race.next('slow');
    const spans = [fast, slow, again].map(({ context }) => context.traceparent.slice(36, 52));
    expect(new Set(spans).size).toBe(3);
    fast.succeed();
    await answer;
    await service.event(runId, 'run.replied');
    durable.crash();
    again.succeed();
    await service.finishedRun(runId);
    const ties = {
      requestId: 'mine',
      task: 'race',
      trace_id: TRACE_ID,
      span_id: '00f067aa0ba902b7',
      trace_flags: '00',
    };
    expect(tiesOf(service, runId)).toEqual([
      { msg: 'race accepted', ...ties },
      { msg: 'of the sub-task', ...ties },
      { msg: 'slow threw', ...ties },
      { msg: expect.stringMatching(/^slow retries in/), ...ties },
      { msg: 'fast done', ...ties },
      { msg: expect.stringMatching(/^race replied in \d+ ms: fast won; slow goes on$/), ...ties },
      { msg: 'slow done', ...ties },
    ]);

    const next = await durable.start(race.providers);
    const taken = await race.next('slow');
    expect(taken.context.traceparent).toMatch(SPAN);
    expect(spans).not.toContain(taken.context.traceparent.slice(36, 52));
    taken.context.logger.warn('of the sub-task that was resumed', { requestId: 'forged' });
    taken.fail(new Error('again'));
    await next.event(runId, 'run.finished');
    await next.answer('demo');
    expect(tiesOf(next, runId)).toEqual([
      { msg: 'of the sub-task that was resumed', ...ties },
      { msg: 'slow threw', ...ties },
      { msg: 'slow failed: again', ...ties },
      { msg: 'race partly-failed', ...ties },
    ]);
  });

  test('without a traceparent begins a trace with its own id', async () => {
    const service = await durable.start(race.providers);
    const answer = start(service, {}).then((it) => it);
    const { fast, slow } = await race.all();
    const trace = fast.context.runId.replaceAll('-', '');
    for (const { context } of [fast, slow])
      expect(context.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
    fast.succeed();
    slow.succeed();
    await answer;
    expect(await service.finishedRun(fast.context.runId)).toMatchObject({ traceparent: null });
  });

  test('keeps the headers that its task takes, across a crash too, and shows them to nobody', async () => {
    const service = await durable.start(race.providers);
    const sent = { 'Accept-Language': 'nb', 'X-Tenant': 'acme-4711', 'X-Other': 'unkept-4711' };
    const cutOff = start(service, sent).then(({ status }) => status);
    const { fast, slow } = await race.all();
    const { runId } = fast.context;
    const kept = { 'accept-language': 'nb', 'x-tenant': 'acme-4711' };
    for (const { context } of [fast, slow]) expect(context.callerHeaders).toEqual(kept);
    await service.showRun(runId);
    durable.crash();
    const next = await durable.start(race.providers);
    expect(await cutOff).toBe(503);
    const again = await race.all();
    for (const { context } of [again.fast, again.slow]) expect(context.callerHeaders).toEqual(kept);
    again.fast.succeed();
    again.slow.succeed();
    const run = await next.finishedRun(runId);
    const events = await next.http.get(`/runs/${runId}/events`);
    const stream = await next.http.get('/events?after=0&limit=100').set('Accept', 'application/json');
    const said = JSON.stringify([run, events.body, stream.body, service.log.lines, next.log.lines]);
    expect(said).toContain('run.started');
    expect(said).not.toMatch(/acme|unkept/);
  });

  test('is refused where the headers that it would keep are too long', async () => {
    const service = await durable.start(race.providers);
    const response = await start(service, { 'Accept-Language': 'nb', 'X-Tenant': 'x'.repeat(8_200) });
    expect(response.status).toBe(400);
    expect(response.body).toMatchObject({
      errors: [{ header: 'x-tenant', detail: expect.stringContaining('longer than 8192 bytes') }],
    });
    expect(service.runsStarted).toBe(0);
  });

  test('has both in the line of a stop that leaves it', async () => {
    const service = await durable.start(race.providers);
    const answer = start(service, { 'X-Request-Id': 'mine', traceparent: TRACEPARENT }).then((it) => it);
    const { fast } = await race.all();
    fast.succeed();
    await answer;
    await durable.stop();
    expect(tiesOf(service, fast.context.runId)).toContainEqual({
      msg: 'Stopped before it finished: slow',
      requestId: 'mine',
      task: 'race',
      trace_id: TRACE_ID,
      span_id: '00f067aa0ba902b7',
      trace_flags: '00',
    });
  });
});
