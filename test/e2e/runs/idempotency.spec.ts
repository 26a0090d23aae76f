import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { FACES, ofService } from '../../support/faces.js';
import { inlineTask } from '../../support/inline-task.js';
import { expectProblem } from '../../support/problem.js';
import { TestApp } from '../../support/test-app.js';

const UUID = '8e03978e-40d5-43dd-bc93-6894a57f9324';

describe.each(FACES)('%s: Idempotency-Key', (face) => {
  let runs = 0;
  const quick = inlineTask('quick', { only: { run: () => ++runs } });
  const callerHeaders = ['Accept-Language', 'X-Tenant', 'Authorization', 'X-Session-Token', 'tracestate'];
  const kept = inlineTask('kept', {
    only: { callerHeaders, run: (_input, context) => context.callerHeaders },
  });
  const failing = inlineTask('failing', {
    only: {
      run: () => {
        throw new Error('no');
      },
    },
  });
  const race = new ControlledTask('race', { fast: {}, slow: {} });
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ face, providers: [...quick, ...kept, ...failing, ...race.providers] });
  });
  afterAll(() => service.close());
  beforeEach(() => void (runs = 0));

  const send = (key: string, body: object = {}, task = 'quick') =>
    service.http.post(`/tasks/${task}/runs`).set('Idempotency-Key', key).send(body);

  test('gives the same run and the same reply to the same request, once it is finished', async () => {
    const first = await send('"finished"', { input: { a: 1, b: [2] } }).expect(200);
    expect(first.get('Idempotency-Replayed')).toBeUndefined();
    const { runId } = first.body as { runId: string };
    await service.event(runId, 'run.finished');
    const again = await send('"finished"', { input: { b: [2], a: 1 } }).expect(200);
    expect(again.body).toEqual(first.body);
    expect(again.get('Idempotency-Replayed')).toBe('true');
    expect(again.get('Location')).toBe(`${service.base}/runs/${runId}`);
    expect(runs).toBe(1);
  });

  test('lets a second caller wait for the reply of a run that is in flight', async () => {
    const first = send('"in flight"', {}, 'race').then((response) => response);
    const { fast, slow } = await race.all();
    const second = send('"in flight"', {}, 'race').then((response) => response);
    await service.http.get('/health/live');
    fast.succeed('won');
    const [one, two] = await Promise.all([first, second]);
    expect(one.body).toMatchObject({ result: 'won', background: ['slow'] });
    expect(two.body).toEqual(one.body);
    expect([one, two].map((response) => response.get('Idempotency-Replayed'))).toEqual([undefined, 'true']);
    slow.succeed();
    await service.event(fast.context.runId, 'run.finished');
    expect((await send('"in flight"', {}, 'race')).body).toEqual(one.body);
  });

  test('counts headers that the task keeps to the request, but for those that differ between two tries', async () => {
    const headers = {
      'Accept-Language': 'nb',
      'X-Tenant': 'acme',
      ...{ Authorization: 'Bearer first', 'X-Session-Token': '1', tracestate: 'a=1' },
    };
    const first = await send('"headers"', {}, 'kept').set(headers).expect(200);
    const renewed = { ...headers, Authorization: 'Bearer second', 'X-Session-Token': '2', tracestate: 'a=2' };
    const again = await send('"headers"', {}, 'kept').set(renewed).set('X-Other', '1').expect(200);
    expect(again.body).toEqual(first.body);
    for (const other of [{ 'X-Tenant': 'other' }, { 'Accept-Language': '' }]) {
      const refused = await send('"headers"', {}, 'kept').set(renewed).set(other);
      await expectProblem(service, refused, 422, 'idempotency-key-reused');
    }
    const batch = (tenant: string) =>
      service.http
        .post('/tasks/kept/runs:batch')
        .set('X-Tenant', tenant)
        .send({ runs: [{ idempotencyKey: 'of a batch' }] });
    await batch('acme').expect(200);
    expect((await batch('other')).body).toMatchObject({
      runs: [{ status: 422, type: `${service.base}/problems/idempotency-key-reused` }],
    });
  });

  test('gives a failure again too', async () => {
    const first = await send('"failure"', {}, 'failing').expect(502);
    await service.event((first.body as { runId: string }).runId, 'run.finished');
    const again = await send('"failure"', {}, 'failing').expect(502);
    expect(again.body).toEqual(first.body);
    expect(again.get('Idempotency-Replayed')).toBe('true');
  });

  ofService(face, 'a thousand callers ask the same of the engine')(
    'starts one run for a thousand callers at once',
    async () => {
      const before = service.events.filter(({ type }) => type === 'run.started').length;
      const responses: Response[] = await Promise.all(
        Array.from({ length: 1_000 }, () => send('"thousand"', { input: 'once' })),
      );
      expect(new Set(responses.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
      expect(responses.filter((response) => response.get('Idempotency-Replayed') !== 'true')).toHaveLength(1);
      expect(runs).toBe(1);
      expect(service.events.filter(({ type }) => type === 'run.started')).toHaveLength(before + 1);
    },
  );

  test('answers 202 again to whoever would rather not wait', async () => {
    const prefer = () => send('"async"').set('Prefer', 'respond-async');
    const first = await prefer().expect(202);
    const again = await prefer().expect(202);
    expect((again.body as { id: string }).id).toBe((first.body as { id: string }).id);
    expect(runs).toBe(1);
  });

  test('is refused with another payload or for another task', async () => {
    await send('"other"', { input: 1 }).expect(200);
    for (const [body, task] of [
      [{ input: 2 }, 'quick'],
      [{ input: 1 }, 'failing'],
      [{ input: 1, losers: 'cancel' }, 'quick'],
    ] as const) {
      const problem = await expectProblem(
        service,
        await send('"other"', body, task),
        422,
        'idempotency-key-reused',
      );
      expect(problem).toEqual({ runId: expect.any(String) });
    }
    expect(runs).toBe(1);
  });

  test('belongs to no request that was refused', async () => {
    await send('"refused"', { losers: 'nonsense' }).expect(400);
    await send('"refused"').expect(200);
  });

  test.each([
    `"${UUID}"`,
    UUID,
    '"with spaces, and \\"quotes\\""',
    `"${'x'.repeat(255)}"`,
    '*',
    'a2V5IG9mIG1pbmU+/w==',
  ])('takes %s', async (key) => {
    const { body } = (await send(key).expect(200)) as { body: unknown };
    expect((await send(key).expect(200)).body).toEqual(body);
  });

  test('is the same with quotes and without', async () => {
    const { body } = (await send('plain').expect(200)) as { body: unknown };
    expect((await send('"plain"').expect(200)).body).toEqual(body);
  });

  test.each(['""', `"${'x'.repeat(256)}"`, '"unclosed', 'two words', '"a", "b"', '"a";p=1', '(a b)', '@1'])(
    'refuses %s',
    async (key) => {
      const { errors } = await expectProblem(service, await send(key), 400, 'invalid-request');
      expect(errors).toEqual([{ header: 'Idempotency-Key', detail: expect.stringContaining('255') }]);
    },
  );

  test('refuses several header fields', async () => {
    const request = service.http.post('/tasks/quick/runs').set('Idempotency-Key', ['a', 'b'] as never);
    await expectProblem(service, await request.send({}), 400, 'invalid-request');
  });
});

describe('an Idempotency-Key, whatever becomes of the process', () => {
  let durable: DurableService;
  beforeEach(() => {
    durable = new DurableService();
  });
  afterEach(() => durable.end());

  const send = (service: TestApp, key = '"kept"') =>
    service.http.post('/tasks/race/runs').set('Idempotency-Key', key).send({ input: 7 });

  test('gives the reply of before a restart', async () => {
    const race = new ControlledTask('race', { only: {} });
    const before = await durable.start(race.providers);
    const first = send(before).then((response) => response);
    (await race.next('only')).succeed('told');
    const { body } = (await first) as { body: unknown };
    const service = await durable.start(race.providers);
    const again = await send(service).expect(200);
    expect(again.body).toEqual(body);
    expect(again.get('Idempotency-Replayed')).toBe('true');
  });

  test('gives the reply of a run that a crash has cut off, as soon as it is there', async () => {
    const race = new ControlledTask('race', { only: {} });
    const before = await durable.start(race.providers);
    const cutOff = send(before).then(({ status }) => status);
    const attempt = await race.next('only');
    await before.showRun(attempt.context.runId);
    durable.crash();
    const service = await durable.start(race.providers);
    await cutOff;
    const again = send(service).then((response) => response);
    const second = await race.next('only');
    expect(second.context).toMatchObject({ runId: attempt.context.runId, attempt: 2 });
    second.succeed('after the crash');
    expect((await again).body).toMatchObject({
      runId: attempt.context.runId,
      result: 'after the crash',
    });
    expect((await again).get('Idempotency-Replayed')).toBe('true');
    await service.event(attempt.context.runId, 'run.finished');
  });

  test('expires', async () => {
    let runs = 0;
    const race = inlineTask('race', { only: { run: () => ++runs } });
    const service = await durable.start(race, { IDEMPOTENCY_RETENTION: '1ms' });
    const { body } = (await send(service).expect(200)) as { body: unknown };
    await service.event((body as { runId: string }).runId, 'run.finished');
    const again = await send(service).expect(200);
    expect(again.get('Idempotency-Replayed')).toBeUndefined();
    expect(runs).toBe(2);
  });
});
