import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Response } from 'supertest';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { inlineTask } from '../../support/inline-task.js';
import { JournalCalls } from '../../support/journal-calls.js';
import { expectProblem } from '../../support/problem.js';
import type { TestApp } from '../../support/test-app.js';

const lagging = new ControlledTask('lagging', { quick: {}, slow: {} });
const doomed = inlineTask('doomed', { only: { run: () => Promise.reject(new Error('no')) } });

interface Page {
  readonly runs: readonly { readonly id: string; readonly createdAt: string }[];
  readonly next: string | null;
}

const mistakes: readonly [string, Readonly<Record<string, string>>][] = [
  ['label=', { label: 'tenant:acme' }],
  ['label=tenant:a&label=tenant', { label: '"tenant" is no label' }],
  ['label=%00:a', { label: 'is no label' }],
  [Array.from({ length: 9 }, (_, n) => `label=a:${n}`).join('&'), { label: 'at most 8' }],
  ['requestId=a%20b', { requestId: 'visible ASCII' }],
  ['traceId=4BF9', { traceId: '32 hexadecimal digits' }],
  ['limit=0', { limit: '>=1' }],
  ['limit=201', { limit: '<=200' }],
  ['limit=', { limit: '>=1' }],
  ['limit=1.5', { limit: 'int' }],
  ['limit=ten', { limit: 'number' }],
  ['limit=1&limit=2', { limit: 'number' }],
  ['task=a&task=b', { task: 'string' }],
  ['status=finished', { status: '"partly-failed"' }],
  ['status=failed,', { status: '"partly-failed"' }],
  ['status=', { status: '"partly-failed"' }],
  ['since=yesterday', { since: 'RFC 3339' }],
  ['since=2026-11-23T12:00:00', { since: 'zone' }],
  ['since=2026-02-30T12:00:00Z', { since: 'RFC 3339' }],
  ['until=2026-11-23T12:00:00+01:00', { until: '%2B' }],
  ['cursor=', { cursor: 'next' }],
  ['cursor=abc', { cursor: 'next' }],
  ['cursor=MS4', { cursor: 'next' }],
  ['cursor=MS5uYW4', { cursor: 'next' }],
  ['stat=failed', { stat: 'not known' }],
  ['status[]=failed', { 'status[]': 'status=a,b or status=a&status=b' }],
  ['status[0]=failed', { 'status[0]': 'status=a,b or status=a&status=b' }],
  ['__proto__=1&constructor=2', { ['__proto__']: 'not known', constructor: 'not known' }],
  ['limit=0&since=x&page=2', { since: 'RFC 3339', limit: '>=1', page: 'not known' }],
];

describe('GET /runs', () => {
  const durable = new DurableService();
  let service: TestApp;
  /** The ids of all runs, the newest first; and of those, the two that failed, with runs of the demo before and behind them. */
  let ids: string[];
  let failed: string[];
  beforeAll(async () => {
    service = await durable.start([...doomed, ...lagging.providers]);
    for (const task of ['demo', 'demo', 'demo', 'doomed', 'doomed', 'demo']) await service.run(task);
    ids = service.events.flatMap(({ type, runId }) => (type === 'run.started' ? [runId] : [])).reverse();
    for (const id of ids) await service.event(id, 'run.finished');
    failed = ids.slice(1, 3);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(() => durable.end());

  async function page(query: string | Readonly<Record<string, string>> = ''): Promise<Page> {
    const response = await service.http.get('/runs').query(query).expect(200);
    return response.body as Page;
  }

  const idsOf = async (query: Parameters<typeof page>[0]) => (await page(query)).runs.map(({ id }) => id);

  test('shows the newest run first, each as GET /runs/{id} would and with its address', async () => {
    const { runs, next } = await page();
    expect(next).toBeNull();
    expect(runs.map(({ id }) => id)).toEqual(ids);
    for (const shown of runs) {
      const run = await service.showRun(shown.id);
      const { id, task, status, createdAt, repliedAt, finishedAt, labels, reply } = run;
      const answeredBy = reply && 'answeredBy' in reply ? reply.answeredBy : null;
      const replyMs = Date.parse(repliedAt!) - Date.parse(createdAt);
      const links = { run: `/runs/${id}` };
      const standing = { repliedAt, replyMs, answeredBy, finishedAt, unfinished: [] };
      expect(shown).toEqual({ id, task, status, createdAt, ...standing, labels, links });
    }
  });

  test('shows of a run that goes on who answered it and what is in the background, and before that what is awaited', async () => {
    const answer = service.answer('lagging');
    const { quick, slow } = await lagging.all();
    await service.until(() =>
      service.events.find(({ task, type }) => task === 'lagging' && type === 'sub-task.started'),
    );
    const shown = async () => (await page('task=lagging')).runs;
    expect(await shown()).toMatchObject([
      { repliedAt: null, replyMs: null, answeredBy: null, unfinished: ['quick', 'slow'] },
    ]);
    quick.succeed();
    const { runId } = await answer;
    const { repliedAt } = await service.event(runId, 'run.replied').then(() => service.showRun(runId));
    expect(await shown()).toMatchObject([
      { id: runId, repliedAt, answeredBy: 'quick', unfinished: ['slow'] },
    ]);
    slow.succeed();
    await service.event(runId, 'run.finished');
    expect(await shown()).toMatchObject([{ repliedAt, answeredBy: 'quick', unfinished: [] }]);
    ids.unshift(runId);
  });

  test('finds runs by the id and by the trace of their request', async () => {
    const [requestId, traceId] = ['order-4711', '4bf92f3577b34da6a3ce929d0e0e4736'];
    const response = await service.http
      .post('/tasks/doomed/runs')
      .set({ 'X-Request-Id': requestId, traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
    expect(response.status).toBe(502);
    const found = await idsOf({ requestId });
    expect(found).toHaveLength(1);
    await service.event(found[0]!, 'run.finished');
    ids.unshift(...found);
    failed.unshift(...found);
    expect(await idsOf({ traceId })).toEqual(found);
    expect(await idsOf({ traceId, requestId, task: 'doomed' })).toEqual(found);
    expect(await idsOf({ traceId, task: 'demo' })).toEqual([]);
    expect(await idsOf({ requestId: 'order-4712' })).toEqual([]);
  });

  test('finds runs by task and by status, or by any of several', async () => {
    expect(await idsOf('task=doomed')).toEqual(failed);
    expect(await idsOf('status=failed')).toEqual(failed);
    expect(await idsOf('status=failed&task=demo')).toEqual([]);
    expect(await idsOf('status=running,cancelled')).toEqual([]);
    expect(await idsOf('status=failed,succeeded')).toEqual(ids);
    expect(await idsOf('status=failed&status=succeeded&status=failed')).toEqual(ids);
  });

  test('finds runs by their labels, and shows these', async () => {
    const labels = { tenant: 'acme', order: 'a:1,b' };
    for (const some of [undefined, labels]) {
      const { runId } = await service.answer('demo', { labels: some });
      await service.event(runId, 'run.finished');
      ids.unshift(runId);
    }
    const [runId = ''] = ids;
    for (const query of ['label=tenant:acme', 'label=order:a:1,b', 'label=tenant:acme&label=order:a:1,b'])
      expect((await page(query)).runs).toMatchObject([{ id: runId, labels }]);
    expect(await idsOf('label=tenant:acme&label=order:a:1')).toEqual([]);
    expect(await service.showRun(runId)).toMatchObject({ labels });
  });

  test('shows an empty page for a task that there is not, or is no more', async () => {
    expect(await page('task=forgotten')).toEqual({ runs: [], next: null });
  });

  test('finds runs by their time, from since and to before until, in any zone', async () => {
    const { runs } = await page();
    const since = runs[4]!.createdAt;
    const until = runs[1]!.createdAt;
    const between = runs.filter(({ createdAt }) => createdAt >= since && createdAt < until);
    expect(between.length).toBeGreaterThan(1);
    expect(between.length).toBeLessThan(runs.length);
    expect((await page({ since, until })).runs).toEqual(between);
    const elsewhere = new Date(Date.parse(until) + 3_600_000).toISOString().replace('Z', '+01:00');
    expect((await page({ since, until: elsewhere })).runs).toEqual(between);
  });

  test('leads from page to page by Link, which keeps the filters, and by next', async () => {
    const seen: string[] = [];
    let address: string | undefined =
      '/runs?limit=2&status=succeeded,failed&since=2020-01-01T00:00:00%2B01:00';
    while (address !== undefined) {
      const response: Response = await service.http.get(address).expect(200);
      const { runs, next } = response.body as Page;
      expect(runs).toHaveLength(2);
      seen.push(...runs.map(({ id }) => id));
      const link = response.get('Link');
      address = link === undefined ? undefined : /^<(\/runs\?[^>]+)>; rel="next"$/.exec(link)![1]!;
      const cursor = new URLSearchParams(address?.split('?')[1]).get('cursor');
      expect(next).toBe(cursor);
      if (next !== null)
        expect(await idsOf({ limit: '2', cursor: next })).toEqual(ids.slice(seen.length).slice(0, 2));
    }
    expect(seen).toEqual(ids);
  });

  test.each(mistakes)('refuses ?%s, and names what is wrong', async (query, wrong) => {
    const response = await service.http.get(`/runs?${query}`);
    const { errors } = await expectProblem(service, response, 400, 'invalid-request');
    expect(errors).toEqual(
      Object.entries(wrong).map(([parameter, detail]) => ({
        parameter,
        detail: expect.stringContaining(detail),
      })),
    );
  });

  test('is beside what shows the only node, what waits for it, and its file', async () => {
    const shown = async (path: string) => (await service.http.get(path).expect(200)).body as object;
    expect(await shown('/nodes')).toEqual({
      nodes: [
        {
          ...{ id: expect.any(String), self: true, role: 'all', state: 'taking runs', runs: 0 },
          ...{ startedAt: expect.any(String), version: expect.any(String), seenMs: 0, skewMs: 0 },
          ...{ slots: { used: 0, limit: expect.any(Number) }, lagMs: expect.any(Number) },
        },
      ],
      journal: {
        ...{ kind: 'sqlite', pendingEvents: 0, fileBytes: expect.any(Number) },
        commitMs: {
          ...{ count: expect.any(Number), p50: expect.any(Number) },
          ...{ p90: expect.any(Number), p99: expect.any(Number) },
        },
      },
    });
    const answer = service.answer('lagging');
    const { quick, slow } = await lagging.all();
    expect(await shown('/queue')).toEqual({
      ...{
        queued: 0,
        keys: [],
        unfinished: 1,
        waiting: 0,
        setAside: 0,
        deliveries: 0,
        oldestDeliveryMs: 0,
        dead: 0,
      },
      ...{ commands: 0, commitLagMs: expect.any(Number), paused: [], pausedQueues: [] },
    });
    expect(await shown('/nodes')).toMatchObject({ nodes: [{ runs: 1, slots: { used: 2 } }] });
    quick.succeed();
    slow.succeed();
    const { runId } = await answer;
    await service.event(runId, 'run.finished');
    ids.unshift(runId);
    expect(await shown('/queue/dead-letters')).toEqual({ deadLetters: [] });
  });

  test('gets 503 while the journal can’t be read, and goes on afterwards', async () => {
    new JournalCalls().deadly = 'runs';
    await expectProblem(service, await service.http.get('/runs'), 503, 'journal-unavailable');
    expect(await idsOf('limit=1')).toEqual(ids.slice(0, 1));
  });
});
