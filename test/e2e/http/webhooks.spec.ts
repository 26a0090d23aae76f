import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Response } from 'supertest';
import { Seal } from '../../../src/core/seal.js';
import type { WebhookTerms } from '../../../src/core/webhook.schema.js';
import { EventBus } from '../../../src/events/event-bus.js';
import { Journal } from '../../../src/run/journal.js';
import { WEBHOOKS_OF_RUNS, type KeptDelivery } from '../../../src/run/webhook-keeping.js';
import { TestSender } from '../../../src/webhooks/test-sender.js';
import type { DeliveryView } from '../../../src/webhooks/deliveries.schemas.js';
import type { WebhookView } from '../../../src/webhooks/webhooks.schemas.js';
import { ApiKeys } from '../../support/api-keys.js';
import { DatabaseFile } from '../../support/database-file.js';
import { expectProblem } from '../../support/problem.js';
import { TestApp } from '../../support/test-app.js';

type Made = WebhookView & { secret: string };

/** Nothing listens there. */
const NOWHERE = 'http://127.0.0.1:9';
const UNKNOWN = '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b';
const BROUGHT = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const OTHER = `whsec_${Buffer.alloc(24, 8).toString('base64')}`;
const LATER = Date.UTC(2100, 0, 1);

describe('webhooks', () => {
  const keys = new ApiKeys();
  const all = keys.create('all', 'webhooks:write', 'runs:read', 'runs:write');
  const ada = keys.create('ada', 'webhooks:write', 'runs:read:own', 'runs:write:own');
  const bob = keys.create('bob', 'webhooks:write', 'runs:read:own', 'runs:write:own');
  let service: TestApp;
  let journal: Journal;
  beforeAll(async () => {
    service = await TestApp.start({
      env: { API_KEYS_FILE: keys.path, WEBHOOK_ORIGINS: `public, ${NOWHERE}` },
      key: all,
    });
    journal = service.app.get(Journal);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    for (const { id } of await journal.webhooks.list()) await journal.webhooks.remove(id);
  });
  afterAll(async () => {
    expect(JSON.stringify(service.log)).not.toContain('whsec_');
    await service.close();
    keys.remove();
  });

  const as = (key: string) => ({
    get: (path: string) => service.http.get(path).auth(key, { type: 'bearer' }),
    post: (path: string) => service.http.post(path).auth(key, { type: 'bearer' }),
    patch: (path: string) => service.http.patch(path).auth(key, { type: 'bearer' }),
    delete: (path: string) => service.http.delete(path).auth(key, { type: 'bearer' }),
  });

  async function make(terms: object = {}, key = all): Promise<Made> {
    const made = await as(key)
      .post('/webhooks')
      .send({ url: NOWHERE, ...terms })
      .expect(201);
    return made.body as Made;
  }

  const change = (id: string, body: object) => service.http.patch(`/webhooks/${id}`).send(body);
  const rotate = (id: string, body: object) => service.http.post(`/webhooks/${id}/rotate-secret`).send(body);

  async function kept(id: string): Promise<WebhookTerms> {
    return JSON.parse((await journal.webhooks.get(id))!.terms) as WebhookTerms;
  }

  /** What it would sign with now. */
  async function secretsOf(id: string): Promise<string[]> {
    const seal = service.app.get(Seal);
    return (await kept(id)).secrets.map(({ sealed }) => seal.open(sealed));
  }

  /** Keeps deliveries of a webhook as its node does. */
  async function settle(webhook: string, ...deliveries: Partial<KeptDelivery>[]): Promise<void> {
    const usual = {
      ...{ webhook, event: 1, target: 0, runId: UNKNOWN, task: 'demo', type: 'run.finished' },
      ...{ state: 'dead' as const, attempts: 18, dueAt: null, changedAt: Date.UTC(2026, 10, 23, 12) },
      ...{ report: null, body: '{}', terms: null },
    };
    await journal.webhooks.hold();
    const { cursor, cursorAt } = (await journal.webhooks.get(webhook))!;
    const progress = {
      ...{ cursor, cursorAt },
      deliveries: deliveries.map((delivery) => ({ ...usual, ...delivery })),
    };
    expect(await journal.webhooks.settle(webhook, progress)).toBe(true);
  }

  const addRuns = () =>
    journal.webhooks.add({
      ...{ id: WEBHOOKS_OF_RUNS, terms: '{}', client: null, createdAt: 0, revision: 1 },
      ...{ paused: null, pausedAt: null, cursor: journal.lastEventId, cursorAt: journal.now() },
    });

  async function deliveriesOf(id: string, query = '', key = all): Promise<DeliveryView[]> {
    const page = await as(key).get(`/webhooks/${id}/deliveries${query}`).expect(200);
    return (page.body as { deliveries: DeliveryView[] }).deliveries;
  }

  describe('without the scopes', () => {
    const none = keys.create('none', 'runs:read', 'runs:write', 'admin');
    const blind = keys.create('blind', 'webhooks:write', 'runs:write');

    test.each([
      ['webhooks:write', none],
      ['runs:read', blind],
    ])('%s are closed, to readers too', async (scope, key) => {
      for (const [method, path] of [
        ['get', ''],
        ['post', ''],
        ['get', `/${UNKNOWN}`],
        ['patch', `/${UNKNOWN}`],
        ['delete', `/${UNKNOWN}`],
        ['post', `/${UNKNOWN}/rotate-secret`],
        ['post', `/${UNKNOWN}/test`],
        ['post', `/${UNKNOWN}/redrive`],
        ['get', '/runs/deliveries'],
        ['delete', '/runs/deliveries'],
        ['post', '/runs/deliveries/1/redrive'],
        ['delete', '/runs/deliveries/1'],
      ] as const) {
        const answer = await as(key)[method](`/webhooks${path}`);
        expect(answer.get('WWW-Authenticate')).toContain(`scope="${scope}"`);
        await expectProblem(service, answer, 403, 'forbidden');
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
    const { id, secret, createdAt, ...rest } = answer.body as Made;
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
    expect(JSON.stringify(await journal.webhooks.list())).not.toContain(secret);
    expect(await secretsOf(id)).toEqual([secret]);
    expect((await kept(id)).url).toBe(`${NOWHERE}/hook?token=hidden`);
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
    const { id, secret, ...shown } = await make({ ...terms, secret: BROUGHT });
    expect(shown).toMatchObject({ ...terms, retry: { attempts: 3, delay: '5s', maxDelay: '6h' } });
    expect(secret).toBe(BROUGHT);
    expect(await kept(id)).toMatchObject({ labels: ['tenant:acme:1', 'order:7'] });
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
    [{ secret: 'whsec_MnkMnkMnkMnkMnkMnkMnkMnkMnkM!' }, ['/secret']],
    [{ client: 'somebody' }, ['/client']],
  ])('refuse %j, and say where it is wrong, without a secret', async (terms, pointers) => {
    const valid = 'url' in terms || pointers[0] === '/url' ? {} : { url: NOWHERE };
    const answer = await service.http.post('/webhooks').send({ ...valid, ...terms });
    const { errors } = await expectProblem(service, answer, 400, 'invalid-request');
    const places = (errors as { pointer: string }[]).map(({ pointer }) => pointer);
    expect([...new Set(places)]).toEqual(pointers);
    expect(answer.text).not.toContain('MnkMnk');
    expect(await journal.webhooks.list()).toEqual([]);
  });

  test('say that the same request makes a second one, so no Idempotency-Key is taken', async () => {
    const answer = await service.http.post('/webhooks').set('Idempotency-Key', 'a').send({ url: NOWHERE });
    const { errors } = await expectProblem(service, answer, 400, 'invalid-request');
    expect(errors).toMatchObject([{ header: 'Idempotency-Key' }]);
  });

  test('are listed page by page, the newest first, also where one was deleted meanwhile', async () => {
    const [first, second, third] = [await make(), await make(), await make()];
    const page = await service.http.get('/webhooks?limit=2').expect(200);
    const idsIn = ({ body }: Response) => (body as { webhooks: WebhookView[] }).webhooks.map(({ id }) => id);
    expect(idsIn(page)).toEqual([third.id, second.id]);
    await service.http.delete(`/webhooks/${second.id}`).expect(204);
    const [, link] = /^<(.*)>; rel="next"$/.exec(page.get('Link')!)!;
    const last = await service.http.get(link!).expect(200);
    expect(idsIn(last)).toEqual([first.id]);
    expect(last.get('Link')).toBeUndefined();
  });

  test('are at most 1,000', async () => {
    const { id } = await make();
    const one = (await journal.webhooks.get(id))!;
    await addRuns();
    for (let count = 1; count < 1_000; count += 1)
      await journal.webhooks.add({ ...one, id: `${id}-${count}` });
    await expectProblem(
      service,
      await service.http.post('/webhooks').send({ url: NOWHERE }),
      409,
      'webhooks-full',
    );
    await service.http.delete(`/webhooks/${id}`).expect(204);
    await make();
  });

  test('change in what is named, take null for what is to go, and only if they are as expected', async () => {
    const { id } = await make({ tasks: ['demo'], labels: { a: 'b' }, timeout: '2s', secret: BROUGHT });
    const url = `${NOWHERE}/other`;
    const changed = await change(id, { url, tasks: null, labels: { a: 'c' }, timeout: null }).set(
      'If-Match',
      '"1"',
    );
    expect(changed.status).toBe(200);
    expect(changed.get('ETag')).toBe('W/"2"');
    expect(changed.body).toMatchObject({ url, labels: { a: 'c' }, timeout: '15s', state: 'active' });
    expect(changed.body).not.toHaveProperty('tasks');
    expect(await secretsOf(id)).toEqual([BROUGHT]);
    await expectProblem(
      service,
      await change(id, { description: 'lost' }).set('If-Match', 'W/"1"'),
      412,
      'precondition-failed',
    );
    expect((await change(id, { url }).expect(200)).get('ETag')).toBe('W/"2"');
    const wrong = await change(id, { url: 'https://localhost/', secret: OTHER });
    expect((await expectProblem(service, wrong, 400, 'invalid-request')).errors).toMatchObject([
      { pointer: '/secret' },
    ]);
    const inside = await change(id, { url: 'https://localhost/' });
    expect((await expectProblem(service, inside, 400, 'invalid-request')).errors).toMatchObject([
      { pointer: '/url' },
    ]);
    const malformed = await service.http.patch(`/webhooks/${id}`).type('json').send('{');
    await expectProblem(service, malformed, 400, 'malformed-json');
    expect((await service.http.patch(`/webhooks/${id}`).type('text').send('{}')).status).toBe(415);
  });

  test('change once for each of two who change them at the same time', async () => {
    const { id } = await make();
    await Promise.all([change(id, { description: 'one' }), change(id, { timeout: '1s' })]);
    const shown = await service.http.get(`/webhooks/${id}`).expect('ETag', 'W/"3"');
    expect(shown.body).toMatchObject({ description: 'one', timeout: '1s' });
  });

  test('pause on request, which listeners are told once, and go on behind what they have read', async () => {
    const told = jest.spyOn(service.app.get(EventBus), 'publishWebhook');
    const { id } = await make();
    const { cursor } = (await journal.webhooks.get(id))!;
    const paused = await change(id, { paused: true }).expect(200);
    expect(paused.body).toMatchObject({ state: 'paused', reason: 'request', since: expect.any(String) });
    await change(id, { paused: true, timeout: '1s' }).expect(200);
    expect(told.mock.calls).toEqual([
      [{ kind: 'webhook.paused', webhook: id, url: NOWHERE, reason: 'request' }],
    ]);
    const { runId } = await service.answer('demo');
    await service.event(runId, 'run.finished');
    const behind = await service.http.get(`/webhooks/${id}`).expect(200);
    expect((behind.body as WebhookView).behind.events).toBe(journal.lastEventId - cursor);
    expect((behind.body as WebhookView).behind.seconds).toBeGreaterThan(0);
    expect((await journal.webhooks.get(id))!.cursor).toBe(cursor);
    const resumed = await change(id, { paused: false }).expect(200);
    expect(resumed.body).toMatchObject({ state: 'active', timeout: '1s' });
    expect(resumed.body).not.toHaveProperty('reason');
    expect(resumed.body).not.toHaveProperty('since');
  });

  test('that are paused as failing keep that reason until they are resumed', async () => {
    const { id } = await make();
    await journal.webhooks.hold();
    const { cursor, cursorAt } = (await journal.webhooks.get(id))!;
    await journal.webhooks.settle(id, { cursor, cursorAt, deliveries: [], pause: 'failing' });
    const changed = await change(id, { url: `${NOWHERE}/mended`, paused: true }).expect(200);
    expect(changed.body).toMatchObject({ state: 'paused', reason: 'failing' });
  });

  test('rotate their secret: two are good at a time, and the newest again changes nothing', async () => {
    const { id, secret } = await make();
    const first = await rotate(id, { overlap: '1h' }).expect(200).expect('Cache-Control', 'no-store');
    const second = (first.body as Made).secret;
    expect(second).not.toBe(secret);
    expect(await secretsOf(id)).toEqual([second, secret]);
    const [newest, before] = (await kept(id)).secrets;
    expect(newest).not.toHaveProperty('until');
    expect(before!.until! - journal.now()).toBeGreaterThan(3_500_000);
    expect(before!.until! - journal.now()).toBeLessThanOrEqual(3_600_000);

    const third = await rotate(id, { secret: BROUGHT }).expect(200);
    expect(third.body).toMatchObject({ id, secret: BROUGHT });
    expect(await secretsOf(id)).toEqual([BROUGHT, second]);
    const again = await rotate(id, { secret: BROUGHT, overlap: '5s' }).expect(200);
    expect(again.get('ETag')).toBe(third.get('ETag'));
    expect(await secretsOf(id)).toEqual([BROUGHT, second]);

    await rotate(id, { secret: OTHER, overlap: '0s' }).expect(200);
    expect(await secretsOf(id)).toEqual([OTHER]);
    await expectProblem(service, await rotate(id, {}).set('If-Match', '"1"'), 412, 'precondition-failed');
  });

  test('rotate a secret that can’t be opened any more', async () => {
    const { id } = await make({ secret: BROUGHT });
    const seal = jest.spyOn(service.app.get(Seal), 'open').mockImplementation(() => {
      throw new Error('sealed with a key that is gone');
    });
    await rotate(id, { secret: OTHER }).expect(200);
    seal.mockRestore();
    expect(await secretsOf(id)).toEqual([OTHER]);
  });

  test('are tested at once, with what their terms say, whatever comes of it', async () => {
    const { id, secret } = await make({ timeout: '1h' });
    const report = { at: Date.UTC(2026, 10, 23, 12), tookMs: 1.5, status: 200 };
    const sent = jest.spyOn(service.app.get(TestSender), 'sendTest').mockResolvedValueOnce(report);
    await change(id, { paused: true });
    const delivered = await service.http.post(`/webhooks/${id}/test`).expect(200);
    expect(delivered.body).toEqual({ ...report, delivered: true, at: '2026-11-23T12:00:00.000Z' });
    expect(sent.mock.calls[0]![0]).toMatchObject({ url: NOWHERE, timeout: '30s' });
    const failed = { ...report, status: 500, error: 'status', message: 'has the status 500', excerpt: 'no' };
    sent.mockResolvedValueOnce(failed);
    const answer = await service.http.post(`/webhooks/${id}/test`).expect(200);
    expect(answer.body).toMatchObject({ delivered: false, status: 500, error: 'status', excerpt: 'no' });
    expect(answer.text).not.toContain(secret);
  });

  test('refuse more than 20 tests at once', async () => {
    const { id } = await make();
    const { promise, reject } = Promise.withResolvers<never>();
    const twenty = Promise.withResolvers<undefined>();
    let under = 0;
    jest.spyOn(service.app.get(TestSender), 'sendTest').mockImplementation(() => {
      if ((under += 1) === 20) twenty.resolve(undefined);
      return promise;
    });
    const test = () => service.http.post(`/webhooks/${id}/test`);
    const going = Array.from({ length: 20 }, () => test().then(({ status }) => status));
    await twenty.promise;
    await expectProblem(service, await test(), 503, 'overloaded');
    reject(new Error('is over'));
    expect(new Set(await Promise.all(going))).toEqual(new Set([500]));
  });

  test('show their deliveries, by state, run and page', async () => {
    const { id } = await make();
    const report = { at: Date.UTC(2026, 10, 23, 12), tookMs: 3, status: 503, error: 'status', firstAt: 1 };
    await settle(
      id,
      { event: 1, state: 'delivered', body: null },
      { event: 2, state: 'waiting', attempts: 1, dueAt: LATER, report: JSON.stringify(report) },
      { event: 3, state: 'waiting', attempts: 0, runId: 'another' },
      { event: 4 },
    );
    const page = await service.http.get(`/webhooks/${id}/deliveries?limit=3`).expect(200);
    const { deliveries } = page.body as { deliveries: DeliveryView[] };
    expect(deliveries.map(({ event }) => event)).toEqual([4, 3, 2]);
    expect(deliveries[2]).toEqual({
      ...{ event: 2, target: 0, runId: UNKNOWN, task: 'demo', type: 'run.finished' },
      ...{ status: 'waiting', attempts: 1, changedAt: '2026-11-23T12:00:00.000Z' },
      dueAt: new Date(LATER).toISOString(),
      report: { at: '2026-11-23T12:00:00.000Z', tookMs: 3, status: 503, error: 'status' },
      links: { run: `/runs/${UNKNOWN}` },
    });
    const [, link] = /^<(.*)>; rel="next"$/.exec(page.get('Link')!)!;
    const last = await service.http.get(link!).expect(200);
    expect(last.body).toMatchObject({ deliveries: [{ event: 1, status: 'delivered' }], next: null });
    expect((await deliveriesOf(id, '?status=dead,delivered')).map(({ event }) => event)).toEqual([4, 1]);
    expect((await deliveriesOf(id, '?runId=another')).map(({ event }) => event)).toEqual([3]);
    expect((await service.http.get(`/webhooks/${id}`)).body).toMatchObject({ waiting: 2, dead: 1 });
    const wrong = await service.http.get(`/webhooks/${id}/deliveries?cursor=x&status=lost`);
    expect((await expectProblem(service, wrong, 400, 'invalid-request')).errors).toMatchObject([
      { parameter: 'status' },
      { parameter: 'cursor' },
    ]);
  });

  test('redrive and delete dead deliveries, one by one and by what fits, and no others', async () => {
    const { id } = await make();
    const [noon, one] = ['2026-11-23T12:00:00Z', '2026-11-23T13:00:00Z'];
    await change(id, { paused: true });
    await settle(
      id,
      { event: 1, state: 'waiting', dueAt: LATER },
      { event: 2 },
      { event: 3, changedAt: Date.parse(one) },
      { event: 4, runId: 'another' },
      { event: 5, runId: 'another' },
    );
    const at = `/webhooks/${id}`;
    const stateOf = async () =>
      Object.fromEntries((await deliveriesOf(id)).map(({ event, status }) => [event, status]));
    expect((await service.http.post(`${at}/deliveries/2/redrive`).expect(200)).body).toEqual({ redriven: 1 });
    for (const event of ['1', '2', '6', 'x', '-1', '99999999999999999'])
      await expectProblem(
        service,
        await service.http.post(`${at}/deliveries/${event}/redrive`),
        404,
        'delivery-unknown',
      );
    const later = await service.http.post(`${at}/redrive`).send({ since: one }).expect(200);
    expect(later.body).toEqual({ redriven: 1 });
    expect(await stateOf()).toEqual({ 1: 'waiting', 2: 'waiting', 3: 'waiting', 4: 'dead', 5: 'dead' });
    await service.http.delete(`${at}/deliveries/4`).expect(204);
    await expectProblem(service, await service.http.delete(`${at}/deliveries/1`), 404, 'delivery-unknown');
    const none = await service.http.delete(`${at}/deliveries?until=${noon}`).expect(200);
    expect(none.body).toEqual({ discarded: 0 });
    const rest = await service.http.delete(`${at}/deliveries?runId=another`).expect(200);
    expect(rest.body).toEqual({ discarded: 1 });
    expect(await stateOf()).toEqual({ 1: 'waiting', 2: 'waiting', 3: 'waiting' });
    expect((await service.http.post(`${at}/redrive`).send({}).expect(200)).body).toEqual({ redriven: 0 });
    await service.http.delete(at).expect(204);
    await addRuns();
    expect(await journal.webhooks.deliveries({}, 10)).toEqual([]);
  });

  test('of runs have deliveries alone', async () => {
    expect(await deliveriesOf(WEBHOOKS_OF_RUNS)).toEqual([]);
    await addRuns();
    const terms = JSON.stringify({ url: `${NOWHERE}/of-run?token=hidden`, secrets: [{ sealed: 'sealed' }] });
    await settle(WEBHOOKS_OF_RUNS, { event: 7, target: 1, terms }, { event: 7, target: 0 });
    const [second, first] = (await deliveriesOf('Runs')).toSorted((a, b) => b.target - a.target);
    expect(second).toMatchObject({ event: 7, target: 1, url: `${NOWHERE}/of-run` });
    expect(first).not.toHaveProperty('url');
    expect((await service.http.get('/webhooks').expect(200)).body).toMatchObject({ webhooks: [] });
    const at = `/webhooks/${WEBHOOKS_OF_RUNS}`;
    for (const refused of [
      await service.http.get(at),
      await service.http.patch(at).send({ paused: true }),
      await service.http.delete(at),
      await service.http.post(`${at}/rotate-secret`),
      await service.http.post(`${at}/test`),
    ])
      await expectProblem(service, refused, 404, 'webhook-unknown');
    await service.http.delete(`${at}/deliveries/7?target=1`).expect(204);
    expect(await deliveriesOf(WEBHOOKS_OF_RUNS)).toMatchObject([{ target: 0 }]);
    const wrong = await service.http.post(`${at}/deliveries/7/redrive?target=8`);
    await expectProblem(service, wrong, 400, 'invalid-request');
  });

  describe('of a key that is good for its own runs', () => {
    test('are told of those alone, and seen and changed by it and by keys that see all runs', async () => {
      const { id, ...mine } = await make({}, ada);
      expect(mine).toMatchObject({ client: 'ada', ownRuns: true });
      const { clientId } = (await journal.run((await start(ada)).runId))!;
      expect(await kept(id)).toMatchObject({ onlyClient: clientId });
      await make();
      await make({}, bob);
      const seen = await as(ada).get('/webhooks').expect(200);
      expect(seen.body).toMatchObject({ webhooks: [{ id }], next: null });
      expect((await service.http.get('/webhooks')).body).toMatchObject({ webhooks: [{}, {}, { id }] });
      await as(ada).patch(`/webhooks/${id}`).send({ timeout: '1s' }).expect(200);
      await change(id, { timeout: '2s' }).expect(200);
      expect(await kept(id)).toMatchObject({ onlyClient: clientId, timeout: '2s' });
    });

    test.each([
      ['another such key', bob],
      ['a key that sees all runs', all],
    ])('leave no trace of those of %s', async (_whose, key) => {
      const { id } = await make({}, key);
      await settle(id, { event: 1 });
      for (const [method, path] of [
        ['get', ''],
        ['patch', ''],
        ['delete', ''],
        ['post', '/rotate-secret'],
        ['post', '/test'],
        ['post', '/redrive'],
        ['get', '/deliveries'],
        ['delete', '/deliveries'],
        ['post', '/deliveries/1/redrive'],
        ['delete', '/deliveries/1'],
      ] as const) {
        const ask = (webhook: string) => as(ada)[method](`/webhooks/${webhook}${path}`);
        const [foreign, none] = [await ask(id), await ask(UNKNOWN)];
        await expectProblem(service, foreign, 404, 'webhook-unknown');
        expect(foreign.text.replaceAll(id, UNKNOWN)).toBe(none.text);
      }
      expect(await deliveriesOf(id)).toMatchObject([{ status: 'dead' }]);
    });

    test('see deliveries of webhooks of runs for a run of theirs alone', async () => {
      await addRuns();
      const [mine, foreign] = [await start(ada), await start(bob)];
      await settle(WEBHOOKS_OF_RUNS, { event: 1, runId: mine.runId }, { event: 2, runId: foreign.runId });
      const at = `/webhooks/${WEBHOOKS_OF_RUNS}`;
      for (const [answer, place] of [
        [await as(ada).get(`${at}/deliveries`), { parameter: 'runId' }],
        [await as(ada).delete(`${at}/deliveries`), { parameter: 'runId' }],
        [await as(ada).post(`${at}/redrive`).send({}), { pointer: '/runId' }],
      ] as const)
        expect((await expectProblem(service, answer, 400, 'invalid-request')).errors).toMatchObject([place]);
      const query = `?runId=${foreign.runId}`;
      for (const answer of [
        await as(ada).get(`${at}/deliveries${query}`),
        await as(ada).delete(`${at}/deliveries${query}`),
        await as(ada).post(`${at}/redrive`).send({ runId: foreign.runId }),
      ])
        await expectProblem(service, answer, 404, 'run-unknown');
      for (const answer of [
        await as(ada).post(`${at}/deliveries/2/redrive`),
        await as(ada).delete(`${at}/deliveries/2`),
      ])
        await expectProblem(service, answer, 404, 'delivery-unknown');
      expect(await deliveriesOf(WEBHOOKS_OF_RUNS, `?runId=${mine.runId}`, ada)).toMatchObject([{ event: 1 }]);
      await as(ada).delete(`${at}/deliveries/1`).expect(204);
      expect(await deliveriesOf(WEBHOOKS_OF_RUNS)).toMatchObject([{ event: 2, status: 'dead' }]);
    });

    async function start(key: string): Promise<{ runId: string }> {
      const answer = await as(key).post('/tasks/demo/runs').send({}).expect(200);
      const run = answer.body as { runId: string };
      await service.event(run.runId, 'run.finished');
      return run;
    }
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
