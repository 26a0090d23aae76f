import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import type { Response } from 'supertest';
import { Seal } from '../../../src/core/seal.js';
import { EventBus } from '../../../src/events/event-bus.js';
import { TestSender } from '../../../src/webhooks/test-sender.js';
import type { WebhookView } from '../../../src/webhooks/webhooks.schemas.js';
import { DatabaseFile } from '../../support/database-file.js';
import { expectProblem } from '../../support/problem.js';
import { TestApp } from '../../support/test-app.js';
import { NOWHERE, UNKNOWN_ID, WebhookService, type MadeWebhook } from '../../support/webhook-service.js';

const BROUGHT = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const OTHER = `whsec_${Buffer.alloc(24, 8).toString('base64')}`;

describe('webhooks', () => {
  const received: [body: string, headers: IncomingHttpHeaders][] = [];
  const receiver = createServer((request, response) => {
    void text(request).then((body) => {
      received.push([body, request.headers]);
      response.writeHead(request.url === '/good' ? 204 : 500).end('no');
    });
  });
  let origin: string;
  let service: WebhookService;
  beforeAll(async () => {
    await once(receiver.listen(0, '127.0.0.1'), 'listening');
    origin = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    service = await WebhookService.start(origin);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await service.removeAll();
  });
  afterAll(async () => {
    await service.close();
    receiver.close();
    await once(receiver, 'close');
  });

  describe('without the scopes', () => {
    test.each([
      ['webhooks:write', 'reader'],
      ['runs:read', 'blind'],
    ] as const)('%s are closed, to readers too', async (scope, caller) => {
      for (const [method, path] of [
        ['get', ''],
        ['post', ''],
        ['get', `/${UNKNOWN_ID}`],
        ['patch', `/${UNKNOWN_ID}`],
        ['delete', `/${UNKNOWN_ID}`],
        ['post', `/${UNKNOWN_ID}/rotate-secret`],
        ['post', `/${UNKNOWN_ID}/test`],
        ['post', `/${UNKNOWN_ID}/redrive`],
        ['get', '/runs/deliveries'],
        ['delete', '/runs/deliveries'],
        ['post', '/runs/deliveries/1/redrive'],
        ['delete', '/runs/deliveries/1'],
      ] as const) {
        const answer = await service.as(caller)[method](`/webhooks${path}`);
        expect(answer.get('WWW-Authenticate')).toContain(`scope="${scope}"`);
        await expectProblem(service.app, answer, 403, 'forbidden');
      }
    });
  });

  test('are made with a secret, which is shown this once and kept sealed', async () => {
    const answer = await service.http
      .post('/webhooks')
      .send({ url: `${NOWHERE}/hook?token=hidden`, description: 'Results' })
      .expect(201)
      .expect('Cache-Control', 'no-store')
      .expect('ETag', 'W/"1"');
    const { id, secret, createdAt, ...rest } = answer.body as MadeWebhook;
    expect(answer.get('Location')).toBe(`/webhooks/${id}`);
    expect(Buffer.from(/^whsec_(.*)$/.exec(secret)![1]!, 'base64')).toHaveLength(32);
    expect(rest).toEqual({
      url: `${NOWHERE}/hook`,
      events: ['run.replied', 'run.finished'],
      description: 'Results',
      format: 'event',
      retry: { attempts: 18, delay: '5s', maxDelay: '6h' },
      timeout: '15s',
      state: 'active',
      behind: { events: 0, seconds: 0 },
      ...{ waiting: 0, dead: 0, client: 'all' },
    });
    const shown = await service.http.get(`/webhooks/${id}`).expect(200).expect('ETag', 'W/"1"');
    expect(shown.body).toEqual({ ...rest, id, createdAt });
    expect((await service.http.get('/webhooks').expect(200)).body).toEqual({
      webhooks: [shown.body],
      next: null,
    });
    expect(JSON.stringify(await service.journal.webhooks.list())).not.toContain(secret);
    expect(await service.secretsOf(id)).toEqual([secret]);
    expect((await service.terms(id)).url).toBe(`${NOWHERE}/hook?token=hidden`);
  });

  test('take what the caller brings, and show it as it came', async () => {
    const terms = {
      events: ['run.started', 'sub-task.failed'],
      tasks: ['demo', 'other'],
      labels: { tenant: 'acme:1', order: '7' },
      format: 'cloudevents',
      retry: { attempts: 3 },
      timeout: '2s',
    };
    const { id, secret, ...shown } = await service.make({ ...terms, secret: BROUGHT });
    expect(shown).toMatchObject({ ...terms, retry: { attempts: 3, delay: '5s', maxDelay: '6h' } });
    expect(secret).toBe(BROUGHT);
    expect(await service.terms(id)).toMatchObject({ labels: ['tenant:acme:1', 'order:7'] });
  });

  test.each<[object, string[]]>([
    [{}, ['/url']],
    [{ url: 'http://hooks.example.com' }, ['/url']],
    [{ url: 'https://10.0.0.1/' }, ['/url']],
    [{ url: 'https://user:pass@hooks.example.com/' }, ['/url']],
    [{ url: `${NOWHERE}0` }, ['/url']],
    [{ events: [] }, ['/events']],
    [{ events: ['run.erased', 'run.ended'] }, ['/events/0', '/events/1']],
    [{ tasks: ['a b'], labels: { a: '' } }, ['/tasks/0', '/labels/a']],
    [{ description: 'a\nb' }, ['/description']],
    [{ retry: { attempts: 0 }, timeout: '0s' }, ['/retry/attempts', '/timeout']],
    [{ timeout: '61s' }, ['/timeout']],
    [{ secret: 'whsec_MnkMnkMnkMnkMnkMnkMnkMnkMnkM!' }, ['/secret']],
    [{ client: 'somebody' }, ['/client']],
  ])('refuse %j, and say where it is wrong, without a secret', async (terms, pointers) => {
    const valid = 'url' in terms || pointers[0] === '/url' ? {} : { url: NOWHERE };
    const answer = await service.http.post('/webhooks').send({ ...valid, ...terms });
    const { errors } = await expectProblem(service.app, answer, 400, 'invalid-request');
    const places = (errors as { pointer: string }[]).map(({ pointer }) => pointer);
    expect([...new Set(places)]).toEqual(pointers);
    expect(answer.text).not.toContain('MnkMnk');
    expect(await service.journal.webhooks.list()).toEqual([]);
  });

  test('say that the same request makes a second one, so no Idempotency-Key is taken', async () => {
    const answer = await service.http.post('/webhooks').set('Idempotency-Key', 'a').send({ url: NOWHERE });
    const { errors } = await expectProblem(service.app, answer, 400, 'invalid-request');
    expect(errors).toMatchObject([{ header: 'Idempotency-Key' }]);
  });

  test('are listed page by page, the newest first, also where one was deleted meanwhile', async () => {
    const [first, second, third] = [await service.make(), await service.make(), await service.make()];
    const page = await service.http.get('/webhooks?limit=2').expect(200);
    const idsIn = ({ body }: Response) => (body as { webhooks: WebhookView[] }).webhooks.map(({ id }) => id);
    expect(idsIn(page)).toEqual([third.id, second.id]);
    await service.http.delete(`/webhooks/${second.id}`).expect(204);
    const [, link] = /^<(.*)>; rel="next"$/.exec(page.get('Link')!)!;
    const last = await service.http.get(link!).expect(200);
    expect(idsIn(last)).toEqual([first.id]);
    expect(last.get('Link')).toBeUndefined();
    const wrong = await service.http.get('/webhooks?cursor=rubbish');
    expect((await expectProblem(service.app, wrong, 400, 'invalid-request')).errors).toMatchObject([
      { parameter: 'cursor', detail: 'must be the `next` of an earlier page' },
    ]);
  });

  test('are at most 1,000', async () => {
    const { id } = await service.make();
    const one = (await service.journal.webhooks.get(id))!;
    await service.addRuns();
    for (let count = 1; count < 1_000; count += 1)
      await service.journal.webhooks.add({ ...one, id: `${id}-${count}` });
    await expectProblem(
      service.app,
      await service.http.post('/webhooks').send({ url: NOWHERE }),
      409,
      'webhooks-full',
    );
    await service.http.delete(`/webhooks/${id}`).expect(204);
    await service.make();
  });

  test('change in what is named, take null for what is to go, and only if they are as expected', async () => {
    const { id } = await service.make({
      tasks: ['demo'],
      labels: { a: 'b' },
      timeout: '2s',
      secret: BROUGHT,
    });
    const url = `${NOWHERE}/other`;
    const changed = await service
      .change(id, { url, tasks: null, labels: { a: 'c' }, timeout: null })
      .set('If-Match', '"1"');
    expect(changed.status).toBe(200);
    expect(changed.get('ETag')).toBe('W/"2"');
    expect(changed.body).toMatchObject({ url, labels: { a: 'c' }, timeout: '15s', state: 'active' });
    expect(changed.body).not.toHaveProperty('tasks');
    expect(await service.secretsOf(id)).toEqual([BROUGHT]);
    await expectProblem(
      service.app,
      await service.change(id, { description: 'lost' }).set('If-Match', 'W/"1"'),
      412,
      'precondition-failed',
    );
    expect((await service.change(id, { url }).expect(200)).get('ETag')).toBe('W/"2"');
    const freed = await service.change(id, { labels: {} }).expect(200);
    expect(freed.body).not.toHaveProperty('labels');
    expect(await service.terms(id)).not.toHaveProperty('labels');
    const wrong = await service.change(id, { url: 'https://localhost/', secret: OTHER });
    expect((await expectProblem(service.app, wrong, 400, 'invalid-request')).errors).toMatchObject([
      { pointer: '/secret' },
    ]);
    const inside = await service.change(id, { url: 'https://localhost/' });
    expect((await expectProblem(service.app, inside, 400, 'invalid-request')).errors).toMatchObject([
      { pointer: '/url' },
    ]);
    const malformed = await service.http.patch(`/webhooks/${id}`).type('json').send('{');
    await expectProblem(service.app, malformed, 400, 'malformed-json');
    expect((await service.http.patch(`/webhooks/${id}`).type('text').send('{}')).status).toBe(415);
  });

  test('change once for each of two who change them at the same time', async () => {
    const { id } = await service.make();
    await Promise.all([service.change(id, { description: 'one' }), service.change(id, { timeout: '1s' })]);
    const shown = await service.http.get(`/webhooks/${id}`).expect('ETag', 'W/"3"');
    expect(shown.body).toMatchObject({ description: 'one', timeout: '1s' });
  });

  test('pause on request, which listeners are told once, and go on behind what they have read', async () => {
    const told = jest.spyOn(service.app.app.get(EventBus), 'publishWebhook');
    const { id } = await service.make();
    const { cursor } = (await service.journal.webhooks.get(id))!;
    const paused = await service.change(id, { paused: true }).expect(200);
    expect(paused.body).toMatchObject({ state: 'paused', reason: 'request', since: expect.any(String) });
    await service.change(id, { paused: true, timeout: '1s' }).expect(200);
    expect(told.mock.calls).toEqual([
      [{ kind: 'webhook.paused', webhook: id, url: NOWHERE, reason: 'request' }],
    ]);
    const { runId } = await service.app.answer('demo');
    await service.app.event(runId, 'run.finished');
    const behind = await service.http.get(`/webhooks/${id}`).expect(200);
    expect((behind.body as WebhookView).behind.events).toBe(service.journal.lastEventId - cursor);
    expect((behind.body as WebhookView).behind.seconds).toBeGreaterThan(0);
    expect((await service.journal.webhooks.get(id))!.cursor).toBe(cursor);
    const resumed = await service.change(id, { paused: false }).expect(200);
    expect(resumed.body).toMatchObject({ state: 'active', timeout: '1s' });
    expect(resumed.body).not.toHaveProperty('reason');
    expect(resumed.body).not.toHaveProperty('since');
  });

  test('that are paused as failing keep that reason until they are resumed', async () => {
    const { id } = await service.make();
    await service.journal.webhooks.hold();
    const { cursor, cursorAt } = (await service.journal.webhooks.get(id))!;
    await service.journal.webhooks.settle(id, { cursor, cursorAt, deliveries: [], pause: 'failing' });
    const changed = await service.change(id, { url: `${NOWHERE}/mended`, paused: true }).expect(200);
    expect(changed.body).toMatchObject({ state: 'paused', reason: 'failing' });
  });

  test('rotate their secret: two are good at a time, and the newest again changes nothing', async () => {
    const { id, secret } = await service.make();
    const first = await service.rotate(id, { overlap: '1h' }).expect(200).expect('Cache-Control', 'no-store');
    const second = (first.body as MadeWebhook).secret;
    expect(second).not.toBe(secret);
    expect(await service.secretsOf(id)).toEqual([second, secret]);
    const [newest, before] = (await service.terms(id)).secrets;
    expect(newest).not.toHaveProperty('until');
    expect(before!.until! - service.journal.now()).toBeGreaterThan(3_500_000);
    expect(before!.until! - service.journal.now()).toBeLessThanOrEqual(3_600_000);

    const third = await service.rotate(id, { secret: BROUGHT }).expect(200);
    expect(third.body).toMatchObject({ id, secret: BROUGHT });
    expect(await service.secretsOf(id)).toEqual([BROUGHT, second]);
    const again = await service.rotate(id, { secret: BROUGHT, overlap: '5s' }).expect(200);
    expect(again.get('ETag')).toBe(third.get('ETag'));
    expect(await service.secretsOf(id)).toEqual([BROUGHT, second]);

    await service.rotate(id, { secret: OTHER, overlap: '0s' }).expect(200);
    expect(await service.secretsOf(id)).toEqual([OTHER]);
    await expectProblem(
      service.app,
      await service.rotate(id, {}).set('If-Match', '"1"'),
      412,
      'precondition-failed',
    );
  });

  test('rotate a secret that can’t be opened any more', async () => {
    const { id } = await service.make({ secret: BROUGHT });
    const seal = jest.spyOn(service.app.app.get(Seal), 'open').mockImplementation(() => {
      throw new Error('sealed with a key that is gone');
    });
    await service.rotate(id, { secret: OTHER }).expect(200);
    seal.mockRestore();
    expect(await service.secretsOf(id)).toEqual([OTHER]);
  });

  test('are tested at once by a signed event, also while they are paused, whatever comes of it', async () => {
    const { id, secret } = await service.make({ url: `${origin}/good`, events: ['run.reopened'] });
    await service.change(id, { paused: true }).expect(200);
    const delivered = await service.http.post(`/webhooks/${id}/test`).expect(200);
    expect(delivered.body).toEqual({
      ...{ delivered: true, status: 204, tookMs: expect.any(Number) },
      at: expect.stringMatching(/^20.*Z$/),
    });
    const [[body, headers] = ['', {}]] = received;
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toMatchObject({
      type: 'webhook.test',
    });
    await service.change(id, { url: `${origin}/bad` }).expect(200);
    const failed = await service.http.post(`/webhooks/${id}/test`).expect(200);
    expect(failed.body).toMatchObject({ delivered: false, status: 500, error: 'status', excerpt: 'no' });
    expect(failed.text).not.toContain(secret);
  });

  test('are tested for 30 seconds at most', async () => {
    const { id } = await service.make({ timeout: '1m' });
    const report = { at: 0, tookMs: 30_000, error: 'timeout' };
    const sent = jest.spyOn(service.app.app.get(TestSender), 'sendTest').mockResolvedValueOnce(report);
    await service.http.post(`/webhooks/${id}/test`).expect(200);
    expect(sent.mock.calls).toMatchObject([[{ url: NOWHERE, timeout: '30s' }]]);
  });

  test('refuse more than 20 tests at once', async () => {
    const { id } = await service.make();
    const { promise, reject } = Promise.withResolvers<never>();
    const twenty = Promise.withResolvers<undefined>();
    let under = 0;
    jest.spyOn(service.app.app.get(TestSender), 'sendTest').mockImplementation(() => {
      if ((under += 1) === 20) twenty.resolve(undefined);
      return promise;
    });
    const test = () => service.http.post(`/webhooks/${id}/test`);
    const going = Array.from({ length: 20 }, () => test().then(({ status }) => status));
    await twenty.promise;
    await expectProblem(service.app, await test(), 503, 'overloaded');
    reject(new Error('is over'));
    expect(new Set(await Promise.all(going))).toEqual(new Set([500]));
  });
});

describe('webhooks of a service that keeps them but has no SECRETS_KEY', () => {
  const database = new DatabaseFile();
  let service: TestApp;
  afterAll(async () => {
    await service.close();
    database.remove();
  });

  test('are off, and say how they are put on', async () => {
    service = await TestApp.start({ env: { DATABASE_URL: database.url } });
    const answer = await service.http.post('/webhooks').send({ url: 'https://hooks.example.com/' });
    await expectProblem(service, answer, 501, 'webhooks-off');
    expect(answer.body).toMatchObject({ detail: expect.stringMatching(/SECRETS_KEY.*openssl rand/) });
    await service.http.get('/webhooks').expect(200, { webhooks: [], next: null });
  });
});
