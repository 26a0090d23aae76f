import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import type { Answer } from '../../../src/tasks/started-run.js';
import { ApiKeys } from '../../support/api-keys.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { FACES, ofService } from '../../support/faces.js';
import { inlineTask } from '../../support/inline-task.js';
import { MESSAGES, openAi, refusal } from '../../support/openai-client.js';
import { expectProblem } from '../../support/problem.js';
import { samplesOf } from '../../support/samples.js';
import { StreamReader } from '../../support/stream-reader.js';
import { TestApp, type ShownRun } from '../../support/test-app.js';

const COLLAPSED = 'Frontrunner; fwd=miss; collapsed';
/** Sends a request at once. */
const sent = (request: PromiseLike<Response>): Promise<Response> => Promise.resolve(request);
const answerIn = ({ body }: Response) => body as Answer & { readonly coalesced?: true };
const batchIn = ({ body }: Response) =>
  body as { readonly runs: readonly { readonly id: string; readonly coalesced?: true }[] };

describe.each(FACES)('%s: equal requests', (face) => {
  const upstream = new ControlledTask(
    'upstream',
    { only: {} },
    { coalesce: { key: '{input.city}', for: '1m' } },
  );
  let calls = 0;
  let fails = false;
  const count = (): number => {
    if (fails) throw new Error('down');
    return ++calls;
  };
  const reused = inlineTask('reused', { only: { run: count } }, { reuse: { for: '1h' } });
  const stale = inlineTask('stale', { only: { run: count } }, { reuse: { for: '1ms', staleIfError: '1h' } });
  const often = inlineTask('often', { only: { run: count } }, { coalesce: { for: '1m' } });
  let service: TestApp;
  beforeAll(async () => {
    const providers = [...upstream.providers, ...reused, ...stale, ...often];
    service = await TestApp.start({ face, providers });
  });
  afterAll(() => service.close());
  beforeEach(() => {
    calls = 0;
    fails = false;
  });

  const send = (task: string, body: object = {}) => service.http.post(`/tasks/${task}/runs`).send(body);

  test('get one run, and say whose it is', async () => {
    const first = sent(send('upstream', { input: { city: 'Oslo' } }));
    const { context, succeed } = await upstream.next('only');
    const second = sent(send('upstream', { input: { city: 'Oslo', page: 2 } }));
    succeed('sunny');
    const [one, other] = await Promise.all([first, second]);
    expect(answerIn(one)).toMatchObject({ runId: context.runId, result: 'sunny' });
    expect(one.body).not.toHaveProperty('coalesced');
    expect(other.body).toEqual({ ...answerIn(one), coalesced: true });
    expect([one, other].map((response) => response.get('Cache-Status'))).toEqual([undefined, COLLAPSED]);
    expect(other.get('Location')).toBe(`${service.base}/runs/${context.runId}`);
  });

  ofService(face, 'a thousand callers ask the same of the engine')(
    'make one call of the upstream, for a thousand callers at once',
    async () => {
      const before = service.runsStarted;
      const responses = await Promise.all(Array.from({ length: 1_000 }, () => sent(send('often'))));
      const answers = responses.map(answerIn);
      expect(new Set(answers.map(({ runId, result }) => JSON.stringify([runId, result]))).size).toBe(1);
      expect(answers.filter(({ coalesced }) => coalesced)).toHaveLength(999);
      expect([calls, service.runsStarted - before]).toEqual([1, 1]);
    },
  );

  test('are told to come back for the same run', async () => {
    const prefer = () =>
      send('upstream', { input: { city: 'Bonn' } })
        .set('Prefer', 'respond-async')
        .expect(202);
    const first = await prefer();
    const second = await prefer();
    expect((second.body as ShownRun).id).toBe((first.body as ShownRun).id);
    expect(second.get('Cache-Status')).toBe(COLLAPSED);
    (await upstream.next('only')).succeed();
  });

  test('read the same stream', async () => {
    const read = () =>
      StreamReader.open(`${service.url}/tasks/upstream/runs`, { body: { input: { city: 'Paris' } } });
    const [one, other] = await Promise.all([read(), read()]);
    (await upstream.next('only')).succeed('of both');
    await Promise.all([one.ended, other.ended]);
    expect(other.messages).toEqual(one.messages);
    expect(one.messages.at(-1)?.data).toContain('of both');
  });

  test('are items of a batch, too', async () => {
    const items = [{ input: { city: 'A' } }, { input: { city: 'B' } }, { input: { city: 'A' } }];
    const batch = await service.http.post('/tasks/upstream/runs:batch').send({ runs: items }).expect(200);
    const { runs } = batchIn(batch);
    expect(runs.map(({ coalesced }) => coalesced)).toEqual([undefined, undefined, true]);
    expect([runs[0]?.id === runs[1]?.id, runs[0]?.id === runs[2]?.id]).toEqual([false, true]);
    for (let count = 0; count < 2; count++) (await upstream.next('only')).succeed();
  });

  test('are answered by the last good run, which says how old it is', async () => {
    const first = await send('reused').expect(200);
    const again = await send('reused').expect(200);
    const { ageMs, ...answer } = answerIn(again);
    expect(answer).toEqual({ ...answerIn(first), reused: true });
    expect(ageMs).toBeGreaterThanOrEqual(0);
    expect(again.get('Age')).toBe(String(Math.floor((ageMs ?? 0) / 1_000)));
    expect(again.get('Cache-Status')).toBe('Frontrunner; hit');
    expect(calls).toBe(1);
    const batch = await service.http
      .post('/tasks/reused/runs:batch')
      .send({ runs: [{}] })
      .expect(200);
    expect(batch.body).toMatchObject({ runs: [{ id: answer.runId, reused: true }] });
    const stream = await StreamReader.open(`${service.url}/tasks/reused/runs`, { body: {} });
    await stream.ended;
    expect(stream.response.headers).toMatchObject({
      age: expect.any(String),
      'cache-status': 'Frontrunner; hit',
    });
    expect(stream.messages.at(-1)?.event).toBe('run.replied');
    expect(JSON.parse(stream.messages.at(-1)?.data ?? '')).toMatchObject({
      runId: answer.runId,
      reused: true,
      ageMs: expect.any(Number),
    });
    expect(calls).toBe(1);
  });

  test('are not answered by a run that was erased', async () => {
    const { runId } = answerIn(await send('reused', { input: 'erased' }).expect(200));
    await service.event(runId, 'run.finished');
    await service.http.delete(`/runs/${runId}`).expect(204);
    const again = answerIn(await send('reused', { input: 'erased' }).expect(200));
    expect([again.runId === runId, again.reused]).toEqual([false, undefined]);
  });

  test('have a run of their own once the one that they shared was erased', async () => {
    const ask = async () => answerIn(await send('often', { input: 'erased' }).expect(200));
    const { runId } = await ask();
    await service.event(runId, 'run.finished');
    expect(await ask()).toMatchObject({ runId, coalesced: true });
    await service.http.delete(`/runs/${runId}`).expect(204);
    const [again, other] = await Promise.all([ask(), ask()]);
    expect([again.runId === runId, again.runId === other.runId]).toEqual([false, true]);
  });

  test('are answered by the last good run when the next one fails', async () => {
    const good = answerIn(await send('stale').expect(200));
    const repliedAt = Date.parse((await service.showRun(good.runId)).repliedAt ?? '');
    while (Date.now() <= repliedAt + 1) await service.showRun(good.runId);
    fails = true;
    const failed = service.until(() => service.events.find((event) => event.type === 'sub-task.failed'));
    const again = await send('stale').expect(200);
    expect(answerIn(again)).toMatchObject({ runId: good.runId, id: good.runId, result: 1, reused: true });
    expect(again.get('Location')).toBe(`${service.base}/runs/${good.runId}`);
    expect(again.get('Cache-Status')).toBe('Frontrunner; fwd=stale');
    expect((await failed).runId).not.toBe(good.runId);
  });

  test('are shown by the task', async () => {
    expect((await service.http.get('/tasks/stale')).body).toMatchObject({
      coalesce: { key: '{input}', forMs: 0, shared: false },
      reuse: { forMs: 1, staleIfErrorMs: 3_600_000 },
    });
    expect((await service.http.get('/tasks/demo')).body).not.toHaveProperty('coalesce');
  });
});

test('requests that share a run are counted by task and kind, also those of a batch', async () => {
  let fails = false;
  const run = () => {
    if (fails) throw new Error('down');
    return 1;
  };
  const providers = [
    ...inlineTask('often', { only: { run } }, { coalesce: { for: '1m' } }),
    ...inlineTask('reused', { only: { run } }, { reuse: { for: '1h' } }),
    ...inlineTask('stale', { only: { run } }, { reuse: { for: '1ms', staleIfError: '1h' } }),
    ...inlineTask('plain', { only: { run } }),
  ];
  const service = await TestApp.start({ providers });
  const shared = async () => {
    const { text } = await service.http.get('/metrics').expect(200);
    return Object.fromEntries([...samplesOf(text)].filter(([name]) => name.includes('requests_shared')));
  };
  try {
    expect(await shared()).toEqual({});
    for (const task of ['often', 'often', 'reused', 'reused', 'plain', 'plain']) await service.answer(task);
    await service.http
      .post('/tasks/often/runs:batch')
      .send({ runs: [{}, { input: 'other' }] })
      .expect(200);
    const { runId } = await service.answer('stale');
    const repliedAt = Date.parse((await service.showRun(runId)).repliedAt ?? '');
    while (Date.now() <= repliedAt + 1) await service.showRun(runId);
    fails = true;
    await service.answer('stale');
    const series = (task: string, kind: string) =>
      `frontrunner_requests_shared_total{frontrunner_task="${task}",frontrunner_kind="${kind}"}`;
    expect(await shared()).toEqual({
      [series('often', 'coalesced')]: 2,
      [series('reused', 'reused')]: 1,
      [series('stale', 'stale')]: 1,
    });
  } finally {
    await service.close();
  }
});

describe('equal requests of clients of OpenAI', () => {
  let calls = 0;
  const chat = inlineTask(
    'chat',
    {
      only: {
        stream: true,
        async *run() {
          calls += 1;
          yield 'Good ';
          await Promise.resolve();
          yield 'day.';
        },
      },
    },
    { face: 'openai-chat', coalesce: { key: '{input.messages}', for: '1m' }, reuse: { for: '1h' } },
  );
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ providers: chat });
  });
  afterAll(() => service.close());

  test('get one run, as a stream or whole, and later its reply', async () => {
    const { completions } = openAi(service, 'chat').chat;
    const read = async () => {
      const stream = completions.create({ model: 'any', messages: MESSAGES, stream: true }).withResponse();
      const { data, response } = await stream;
      let text = '';
      for await (const { choices } of data) text += choices[0]?.delta.content ?? '';
      return [text, response.headers.get('cache-status')];
    };
    const whole = async () => {
      const { data, response } = await completions
        .create({ model: 'any', messages: MESSAGES })
        .withResponse();
      return [data.choices[0]?.message.content, response.headers.get('cache-status')];
    };
    const told = await Promise.all([read(), read(), whole()]);
    expect(told.map(([text]) => text)).toEqual(['Good day.', 'Good day.', 'Good day.']);
    await service.until(() => service.events.find(({ type }) => type === 'run.finished'));
    for (const [text, status] of [await read(), await whole()])
      expect([text, status]).toEqual(['Good day.', 'Frontrunner; hit']);
    expect(calls).toBe(1);
  });
});

describe.each([true, false])(
  'equal requests of clients of OpenAI whose run fails, keepInput: %s',
  (keepInput) => {
    let fails: 'never' | 'first' | 'midway' = 'never';
    const chat = inlineTask(
      'chat',
      {
        only: {
          stream: true,
          async *run() {
            await Promise.resolve();
            if (fails === 'first') throw new Error('down');
            yield 'Good ';
            if (fails === 'midway') throw new Error('down');
            yield 'day.';
          },
        },
      },
      {
        ...{ face: 'openai-chat', keepInput, coalesce: { key: '{input.messages}' } },
        reuse: { for: '1ms', staleIfError: '1h' },
      },
    );
    let service: TestApp;
    let goodId: string;
    beforeAll(async () => {
      service = await TestApp.start({ providers: chat });
      const good = await openAi(service, 'chat').chat.completions.create({
        model: 'any',
        messages: MESSAGES,
      });
      goodId = good.id.replace('chatcmpl-', '');
      const { time } = await service.event(goodId, 'run.replied');
      while (Date.now() <= Date.parse(time) + 1) await service.showRun(goodId);
    });
    afterAll(() => service.close());

    const expectStale = ({ headers }: globalThis.Response) => {
      expect(headers.get('location')).toBe(`${service.base}/runs/${goodId}`);
      expect(headers.get('cache-status')).toBe('Frontrunner; fwd=stale');
      expect(headers.get('age')).toMatch(/^\d+$/);
    };

    test('are answered by the last good run, whose id the answer has', async () => {
      fails = 'first';
      const { completions } = openAi(service, 'chat').chat;
      const { data, response } = await completions
        .create({ model: 'any', messages: MESSAGES })
        .withResponse();
      expect([data.id, data.choices[0]?.message.content]).toEqual([`chatcmpl-${goodId}`, 'Good day.']);
      expectStale(response);
    });

    test('are answered by its pieces, where they ask for a stream of which there is none yet', async () => {
      fails = 'first';
      const { completions } = openAi(service, 'chat').chat;
      const asked = completions.create({ model: 'any', messages: MESSAGES, stream: true }).withResponse();
      const { data, response } = await asked;
      const ids = new Set<string>();
      let text = '';
      for await (const { id, choices } of data) {
        ids.add(id);
        text += choices[0]?.delta.content ?? '';
      }
      expect([text, [...ids]]).toEqual(['Good day.', [`chatcmpl-${goodId}`]]);
      expectStale(response);
    });

    test('are told of the failure behind the first piece, and not that this was all', async () => {
      fails = 'midway';
      const { completions } = openAi(service, 'chat').chat;
      const stream = await completions.create({ model: 'any', messages: MESSAGES, stream: true });
      let text = '';
      const read = async () => {
        for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
      };
      expect(await refusal(read())).toMatchObject({ code: 'run-failed' });
      expect(text).toBe('Good ');
      const events = await StreamReader.open(`${service.url}/tasks/chat/runs`, {
        body: { input: { messages: MESSAGES } },
      });
      await events.ended;
      expect(events.messages.map(({ event }) => event)).toEqual(['chunk', 'error']);
    });
  },
);

describe('equal requests of several clients', () => {
  const keys = new ApiKeys();
  const ada = keys.create('ada', 'runs:read:own', 'runs:write:own');
  const bob = keys.create('bob', 'runs:read:own', 'runs:write:own');
  const all = keys.create('all', 'runs:read', 'runs:write');
  const own = new ControlledTask('own', { only: {} }, { coalesce: {} });
  const shared = new ControlledTask(
    'shared',
    { only: {} },
    { coalesce: { key: '{input.city}', for: '1m', shared: true } },
  );
  const forwarding = new ControlledTask(
    'forwarding',
    { only: { callerHeaders: ['x-tenant', 'traceparent'] } },
    { coalesce: { shared: true } },
  );
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({
      env: { API_KEYS_FILE: keys.path },
      key: all,
      providers: [...own.providers, ...shared.providers, ...forwarding.providers],
    });
  });
  afterAll(async () => {
    await service.close();
    keys.remove();
  });

  const as = (key: string, task: string, body: object = {}) =>
    service.http.post(`/tasks/${task}/runs`).auth(key, { type: 'bearer' }).send(body);

  test('have a run for each of them', async () => {
    const answers = [sent(as(ada, 'own')), sent(as(bob, 'own'))];
    const attempts = [await own.next('only'), await own.next('only')];
    attempts.forEach(({ succeed }) => {
      succeed();
    });
    const ids = (await Promise.all(answers)).map((answer) => answerIn(answer).runId);
    expect(new Set(ids).size).toBe(2);
  });

  test('have one run where the task shares it, of which the others see the reply alone', async () => {
    const first = sent(as(ada, 'shared', { input: { city: 'Oslo', mine: 'secret' } }));
    const { context, succeed } = await shared.next('only');
    const { runId } = context;
    const request = { input: { city: 'Oslo' } };
    const waiting = await as(bob, 'shared', request).set('Prefer', 'respond-async').expect(202);
    expect(waiting.body).toMatchObject({ id: runId, input: null, requestId: null, subTasks: [] });
    expect(waiting.text).not.toMatch(/secret|\bada\b/);
    const second = sent(as(bob, 'shared', request));
    succeed('sunny');
    const [one, other] = await Promise.all([first, second]);
    expect(other.body).toEqual({ ...answerIn(one), coalesced: true });
    await expectProblem(
      service,
      await service.http.get(`/runs/${runId}`).auth(bob, { type: 'bearer' }),
      404,
      'run-unknown',
    );
  });

  test('have a run each where a header that the task keeps differs, but for those of traces', async () => {
    const send = (tenant: string, span: string) =>
      as(ada, 'forwarding')
        .set({ 'X-Tenant': tenant, traceparent: `00-${'1'.repeat(32)}-${span.repeat(16)}-01` })
        .set('Prefer', 'respond-async')
        .expect(202);
    const runs = [await send('acme', '2'), await send('acme', '3'), await send('other', '2')];
    const [one, same, other] = runs.map(({ body }) => (body as ShownRun).id);
    expect([one === same, one === other]).toEqual([true, false]);
    for (let count = 0; count < 2; count++) (await forwarding.next('only')).succeed();
  });
});

describe('equal requests past the bounds', () => {
  const blocking = new ControlledTask('blocking', { only: {} });
  const upstream = new ControlledTask(
    'upstream',
    { only: {} },
    { reuse: { for: '1ms', staleIfError: '1h' } },
  );
  let service: TestApp;
  beforeEach(async () => {
    service = await TestApp.start({
      env: { MAX_CONCURRENT_SUB_TASKS: '1', MAX_QUEUED_RUNS: '1' },
      providers: [...blocking.providers, ...upstream.providers],
    });
  });
  afterEach(() => service.close());

  /** Fills the one slot, and the queue behind it. */
  const fill = async () => {
    const blocked = [service.run('blocking'), service.run('blocking')];
    const { succeed } = await blocking.next('only');
    await service.until(() => (service.runsStarted >= 2 ? true : undefined));
    return async () => {
      succeed();
      (await blocking.next('only')).succeed();
      await Promise.all(blocked);
    };
  };

  test('are refused all, and the next one starts a run', async () => {
    const empty = await fill();
    const refused = await Promise.all([service.run('upstream'), service.run('upstream')]);
    for (const response of refused) await expectProblem(service, response, 503, 'overloaded');
    await empty();
    const next = service.run('upstream');
    (await upstream.next('only')).succeed('done');
    expect(await next).toMatchObject({ status: 200, body: { result: 'done' } });
  });

  test('are answered by the last good run', async () => {
    const first = service.run('upstream');
    (await upstream.next('only')).succeed('good');
    const { runId } = answerIn(await first);
    await service.event(runId, 'run.finished');
    const empty = await fill();
    expect(await service.run('upstream')).toMatchObject({ status: 200, body: { runId, reused: true } });
    await empty();
  });
});

describe('equal requests, whatever becomes of the process', () => {
  const upstream = new ControlledTask('upstream', { only: {} }, { reuse: { for: '1h' } });
  let durable: DurableService;
  beforeEach(() => {
    durable = new DurableService();
  });
  afterEach(() => durable.end());

  test('get the run that a crash has cut off', async () => {
    const before = await durable.start(upstream.providers);
    const cutOff = before.run('upstream').then(({ status }) => status);
    const { context } = await upstream.next('only');
    await before.showRun(context.runId);
    durable.crash();
    const service = await durable.start(upstream.providers);
    await cutOff;
    const waiting = await service.http
      .post('/tasks/upstream/runs')
      .set('Prefer', 'respond-async')
      .expect(202);
    expect((waiting.body as ShownRun).id).toBe(context.runId);
    const again = await upstream.next('only');
    expect(again.context).toMatchObject({ runId: context.runId, attempt: 2 });
    again.succeed('after the crash');
    await service.event(context.runId, 'run.finished');
    const next = await service.answer('upstream');
    expect(next).toMatchObject({ runId: context.runId, result: 'after the crash', reused: true });
  });

  test('are answered by the last good run of before a restart', async () => {
    const before = await durable.start(upstream.providers);
    const first = before.answer('upstream');
    (await upstream.next('only')).succeed('kept');
    const { runId } = await first;
    await before.event(runId, 'run.finished');
    const service = await durable.start(upstream.providers);
    expect(await service.answer('upstream')).toMatchObject({ runId, result: 'kept', reused: true });
    expect(service.runsStarted).toBe(0);
  });
});
