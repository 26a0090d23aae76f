import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { WEBHOOKS_OF_RUNS } from '../../../src/run/webhook-keeping.js';
import type { DeliveryView } from '../../../src/webhooks/deliveries.schemas.js';
import { expectProblem } from '../../support/problem.js';
import { NOWHERE, UNKNOWN_ID, WebhookService } from '../../support/webhook-service.js';

const LATER = Date.UTC(2100, 0, 1);

describe('webhooks and what became of their deliveries:', () => {
  let service: WebhookService;
  beforeAll(async () => {
    service = await WebhookService.start();
  });
  afterEach(async () => {
    await service.removeAll();
  });
  afterAll(() => service.close());

  test('show their deliveries, by state, run and page', async () => {
    const { id } = await service.make();
    const report = { at: Date.UTC(2026, 10, 23, 12), tookMs: 3, status: 503, error: 'status', firstAt: 1 };
    await service.settle(
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
      ...{ event: 2, target: 0, runId: UNKNOWN_ID, task: 'demo', type: 'run.finished' },
      ...{ status: 'waiting', attempts: 1, changedAt: '2026-11-23T12:00:00.000Z' },
      dueAt: new Date(LATER).toISOString(),
      report: { at: '2026-11-23T12:00:00.000Z', tookMs: 3, status: 503, error: 'status' },
      links: { run: `/runs/${UNKNOWN_ID}` },
    });
    const [, link] = /^<(.*)>; rel="next"$/.exec(page.get('Link')!)!;
    const last = await service.http.get(link!).expect(200);
    expect(last.body).toMatchObject({ deliveries: [{ event: 1, status: 'delivered' }], next: null });
    expect((await service.deliveriesOf(id, '?status=dead,delivered')).map(({ event }) => event)).toEqual([
      4, 1,
    ]);
    expect((await service.deliveriesOf(id, '?runId=another')).map(({ event }) => event)).toEqual([3]);
    expect((await service.http.get(`/webhooks/${id}`)).body).toMatchObject({ waiting: 2, dead: 1 });
    const wrong = await service.http.get(`/webhooks/${id}/deliveries?cursor=x&status=lost`);
    expect((await expectProblem(service.app, wrong, 400, 'invalid-request')).errors).toMatchObject([
      { parameter: 'status' },
      { parameter: 'cursor' },
    ]);
  });

  test('redrive and delete dead deliveries, one by one and by what fits, and no others', async () => {
    const { id } = await service.make();
    const [noon, one] = ['2026-11-23T12:00:00Z', '2026-11-23T13:00:00Z'];
    await service.change(id, { paused: true });
    await service.settle(
      id,
      { event: 1, state: 'waiting', dueAt: LATER },
      { event: 2 },
      { event: 3, changedAt: Date.parse(one) },
      { event: 4, runId: 'another' },
      { event: 5, runId: 'another' },
    );
    const at = `/webhooks/${id}`;
    const stateOf = async () =>
      Object.fromEntries((await service.deliveriesOf(id)).map(({ event, status }) => [event, status]));
    expect((await service.http.post(`${at}/deliveries/2/redrive`).expect(200)).body).toEqual({ redriven: 1 });
    for (const event of ['1', '2', '6', 'x', '-1', '99999999999999999'])
      await expectProblem(
        service.app,
        await service.http.post(`${at}/deliveries/${event}/redrive`),
        404,
        'delivery-unknown',
      );
    const later = await service.http.post(`${at}/redrive`).send({ since: one }).expect(200);
    expect(later.body).toEqual({ redriven: 1 });
    expect(await stateOf()).toEqual({ 1: 'waiting', 2: 'waiting', 3: 'waiting', 4: 'dead', 5: 'dead' });
    await service.http.delete(`${at}/deliveries/4`).expect(204);
    await expectProblem(
      service.app,
      await service.http.delete(`${at}/deliveries/1`),
      404,
      'delivery-unknown',
    );
    const none = await service.http.delete(`${at}/deliveries?until=${noon}`).expect(200);
    expect(none.body).toEqual({ discarded: 0 });
    const rest = await service.http.delete(`${at}/deliveries?runId=another`).expect(200);
    expect(rest.body).toEqual({ discarded: 1 });
    expect(await stateOf()).toEqual({ 1: 'waiting', 2: 'waiting', 3: 'waiting' });
    expect((await service.http.post(`${at}/redrive`).send({}).expect(200)).body).toEqual({ redriven: 0 });
    await service.http.delete(at).expect(204);
    await service.addRuns();
    expect(await service.journal.webhooks.deliveries({}, 10)).toEqual([]);
  });

  test('of runs have deliveries alone', async () => {
    expect(await service.deliveriesOf(WEBHOOKS_OF_RUNS)).toEqual([]);
    await service.addRuns();
    const terms = JSON.stringify({ url: `${NOWHERE}/of-run?token=hidden`, secrets: [{ sealed: 'sealed' }] });
    await service.settle(WEBHOOKS_OF_RUNS, { event: 7, target: 1, terms }, { event: 7, target: 0 });
    const [second, first] = (await service.deliveriesOf('Runs')).toSorted((a, b) => b.target - a.target);
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
      await expectProblem(service.app, refused, 404, 'webhook-unknown');
    await service.http.delete(`${at}/deliveries/7?target=1`).expect(204);
    expect(await service.deliveriesOf(WEBHOOKS_OF_RUNS)).toMatchObject([{ target: 0 }]);
    const wrong = await service.http.post(`${at}/deliveries/7/redrive?target=8`);
    await expectProblem(service.app, wrong, 400, 'invalid-request');
  });

  describe('of a key that is good for its own runs', () => {
    test('are told of those alone, and seen and changed by it and by keys that see all runs', async () => {
      const { id, ...mine } = await service.make({}, 'ada');
      expect(mine).toMatchObject({ client: 'ada', ownRuns: true });
      const { clientId } = (await service.journal.run((await start('ada')).runId))!;
      expect(await service.terms(id)).toMatchObject({ onlyClient: clientId });
      await service.make();
      await service.make({}, 'bob');
      const seen = await service.as('ada').get('/webhooks').expect(200);
      expect(seen.body).toMatchObject({ webhooks: [{ id }], next: null });
      expect((await service.http.get('/webhooks')).body).toMatchObject({ webhooks: [{}, {}, { id }] });
      await service.as('ada').patch(`/webhooks/${id}`).send({ timeout: '1s' }).expect(200);
      await service.change(id, { timeout: '2s' }).expect(200);
      expect(await service.terms(id)).toMatchObject({ onlyClient: clientId, timeout: '2s' });
    });

    test.each([
      ['another such key', 'bob'],
      ['a key that sees all runs', 'all'],
    ] as const)('leave no trace of those of %s', async (_whose, caller) => {
      const { id } = await service.make({}, caller);
      await service.settle(id, { event: 1 });
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
        const ask = (webhook: string) => service.as('ada')[method](`/webhooks/${webhook}${path}`);
        const [foreign, none] = [await ask(id), await ask(UNKNOWN_ID)];
        await expectProblem(service.app, foreign, 404, 'webhook-unknown');
        expect(foreign.text.replaceAll(id, UNKNOWN_ID)).toBe(none.text);
      }
      expect(await service.deliveriesOf(id)).toMatchObject([{ status: 'dead' }]);
    });

    test('see deliveries of webhooks of runs for a run of theirs alone', async () => {
      await service.addRuns();
      const [mine, foreign] = [await start('ada'), await start('bob')];
      await service.settle(
        WEBHOOKS_OF_RUNS,
        { event: 1, runId: mine.runId },
        { event: 2, runId: foreign.runId },
      );
      const at = `/webhooks/${WEBHOOKS_OF_RUNS}`;
      for (const [answer, place] of [
        [await service.as('ada').get(`${at}/deliveries`), { parameter: 'runId' }],
        [await service.as('ada').delete(`${at}/deliveries`), { parameter: 'runId' }],
        [await service.as('ada').post(`${at}/redrive`).send({}), { pointer: '/runId' }],
      ] as const)
        expect((await expectProblem(service.app, answer, 400, 'invalid-request')).errors).toMatchObject([
          place,
        ]);
      const query = `?runId=${foreign.runId}`;
      for (const answer of [
        await service.as('ada').get(`${at}/deliveries${query}`),
        await service.as('ada').delete(`${at}/deliveries${query}`),
        await service.as('ada').post(`${at}/redrive`).send({ runId: foreign.runId }),
      ])
        await expectProblem(service.app, answer, 404, 'run-unknown');
      for (const answer of [
        await service.as('ada').post(`${at}/deliveries/2/redrive`),
        await service.as('ada').delete(`${at}/deliveries/2`),
      ])
        await expectProblem(service.app, answer, 404, 'delivery-unknown');
      expect(await service.deliveriesOf(WEBHOOKS_OF_RUNS, `?runId=${mine.runId}`, 'ada')).toMatchObject([
        { event: 1 },
      ]);
      await service.as('ada').delete(`${at}/deliveries/1`).expect(204);
      expect(await service.deliveriesOf(WEBHOOKS_OF_RUNS)).toMatchObject([{ event: 2, status: 'dead' }]);
    });

    async function start(caller: 'ada' | 'bob'): Promise<{ runId: string }> {
      const answer = await service.as(caller).post('/tasks/demo/runs').send({}).expect(200);
      const run = answer.body as { runId: string };
      await service.app.event(run.runId, 'run.finished');
      return run;
    }
  });
});
