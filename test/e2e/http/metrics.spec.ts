import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import supertest from 'supertest';
import { Measures } from '../../../src/core/measures.js';
import { EventBus } from '../../../src/events/event-bus.js';
import { Journal } from '../../../src/run/journal.js';
import { ApiKeys } from '../../support/api-keys.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { expectProblem } from '../../support/problem.js';
import { sendRaw } from '../../support/raw-http.js';
import { samplesOf } from '../../support/samples.js';
import { StreamReader } from '../../support/stream-reader.js';
import { TestApp } from '../../support/test-app.js';

describe('GET /metrics', () => {
  const race = new ControlledTask('race', { fast: {}, slow: {} });
  const keys = new ApiKeys();
  const caller = keys.create('web-shop', 'runs:write', 'runs:read');
  const scraper = keys.create('prometheus-1', 'metrics:read');
  let service: TestApp;

  beforeAll(async () => {
    service = await TestApp.start({
      env: { API_KEYS_FILE: keys.path },
      key: caller,
      providers: race.providers,
    });
  });
  afterAll(async () => {
    await service.close();
    keys.remove();
  });

  const scrape = () => supertest(service.url).get('/metrics').set('X-API-Key', scraper);
  const samples = async () => samplesOf((await scrape().expect(200)).text);

  test('needs the scope metrics:read, and counts nothing before somebody has it', async () => {
    await expectProblem(service, await service.http.get('/metrics'), 403, 'forbidden');
    await supertest(service.url).get('/metrics').expect(401);
    expect(service.app.get(Measures).isHeard).toBe(false);
    const response = await scrape();
    expect(response.get('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(service.app.get(Measures).isHeard).toBe(true);
  });

  test.each([
    'text/plain;version=0.0.4',
    'application/openmetrics-text;version=1.0.0,text/plain;q=0.5',
    '*/*',
  ])('takes Accept: %s', async (accept) => {
    await scrape().set('Accept', accept).expect(200);
    const head = await supertest(service.url)
      .head('/metrics')
      .set('X-API-Key', scraper)
      .set('Accept', accept);
    expect(head.status).toBe(200);
  });

  test('counts a request whose address can’t be read', async () => {
    await scrape().expect(200);
    expect(await sendRaw(service.url, ['GET http://[ HTTP/1.1'])).toMatch(/^HTTP\/1.1 400 /);
    expect(Object.fromEntries(await samples())).toMatchObject({
      'http_server_request_duration_seconds_count{http_request_method="GET",url_scheme="http",http_response_status_code="400"}': 1,
    });
  });

  test('tells of runs, their sub-tasks and the requests for them, and of no run and no caller', async () => {
    const answering = service.run('race');
    const { fast, slow } = await race.all();
    fast.succeed(1);
    const { body } = (await answering) as { body: { runId: string } };
    expect((await samples()).get('frontrunner_runs_active')).toBe(1);
    expect((await samples()).get('frontrunner_slots_used')).toBe(1);
    slow.fail(new Error('no'));
    await service.event(body.runId, 'run.finished');
    await nextTurn();
    const { text } = await scrape();
    expect(Object.fromEntries(samplesOf(text))).toMatchObject({
      'frontrunner_runs_started_total{frontrunner_task="race"}': 1,
      'frontrunner_run_reply_duration_seconds_count{frontrunner_task="race",frontrunner_policy="first-success",frontrunner_winner="fast"}': 1,
      'frontrunner_run_duration_seconds_count{frontrunner_task="race",frontrunner_status="partly-failed"}': 1,
      'frontrunner_subtask_duration_seconds_count{frontrunner_task="race",frontrunner_subtask="fast",frontrunner_outcome="succeeded"}': 1,
      'frontrunner_subtask_duration_seconds_count{frontrunner_task="race",frontrunner_subtask="slow",frontrunner_outcome="failed",error_type="threw"}': 1,
      'frontrunner_subtask_attempts_total{frontrunner_task="race",frontrunner_subtask="slow"}': 1,
      'http_server_request_duration_seconds_count{http_request_method="POST",url_scheme="http",http_route="/tasks/{name}/runs",http_response_status_code="200"}': 1,
      frontrunner_runs_active: 0,
      frontrunner_slots_used: 0,
      frontrunner_journal_writable: 1,
    });
    for (const secret of [body.runId, 'web-shop', 'prometheus-1', caller]) expect(text).not.toContain(secret);
  });

  test('counts refusals by their reason, and unknown addresses as one', async () => {
    const refused = (reason: string) => `frontrunner_requests_refused_total{frontrunner_reason="${reason}"}`;
    const before = await samples();
    for (const path of ['/nowhere', '/else']) await service.http.get(path).expect(404);
    await service.http.get('/runs/none').expect(404);
    await service.http.post('/tasks/race/runs').type('text/plain').send('x').expect(415);
    await supertest(service.url).get('/runs/none').expect(401);
    const after = await samples();
    const more = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    for (const [reason, count] of Object.entries({
      'not-found': 2,
      'run-unknown': 1,
      'unsupported-media-type': 1,
      unauthorized: 1,
    }))
      expect({ reason, count: more(refused(reason)) }).toEqual({ reason, count });
    const requests = (labels: string) => `http_server_request_duration_seconds_count{${labels}}`;
    const get = 'http_request_method="GET",url_scheme="http"';
    expect(more(requests(`${get},http_response_status_code="404"`))).toBe(2);
    expect(more(requests(`${get},http_route="/runs/{id}",http_response_status_code="401"`))).toBe(1);
    expect(
      more(
        requests(
          'http_request_method="POST",url_scheme="http",http_route="/tasks/{name}/runs",http_response_status_code="415"',
        ),
      ),
    ).toBe(1);
  });

  test('tells what becomes of webhooks, and which are paused', async () => {
    const paused = { paused: 'failing', pausedAt: 1, cursor: 0, cursorAt: 1 } as const;
    const webhook = { id: 'w1', terms: '{}', client: null, createdAt: 1, revision: 1, ...paused };
    await service.app.get(Journal).webhooks.add(webhook);
    const about = {
      webhook: 'w1',
      url: 'https://a.example/',
      event: 1,
      type: 'run.finished',
      runId: 'r',
      task: 't',
    };
    const report = { at: 1, tookMs: 20, status: 503, error: 'status' };
    service.app
      .get(EventBus)
      .publishWebhook({ kind: 'webhook.failing', ...about, attempt: 1, report, nextAt: null });
    await scrape().expect(200);
    await nextTurn();
    expect(Object.fromEntries(await samples())).toMatchObject({
      'frontrunner_webhook_deliveries_total{frontrunner_webhook="w1",frontrunner_outcome="dead"}': 1,
      'frontrunner_webhook_paused{frontrunner_reason="failing"}': 1,
      'frontrunner_webhook_paused{frontrunner_reason="request"}': 0,
      frontrunner_webhook_waiting: 0,
      frontrunner_webhook_behind_seconds: 0,
    });
  });

  test('tells how many streams are open', async () => {
    const reader = await StreamReader.open(`${service.url}/events`, { key: caller });
    expect((await samples()).get('frontrunner_stream_readers')).toBe(1);
    reader.close();
  });
});

describe('METRICS_PORT', () => {
  test('has /metrics and nothing else, without a key, and PORT has it no more', async () => {
    const keys = new ApiKeys();
    const service = await TestApp.start({
      env: { METRICS_PORT: '0', API_KEYS_FILE: keys.path, ALLOWED_HOSTS: 'scraped.internal' },
      key: keys.create('admin', 'admin', 'metrics:read'),
      makesDocument: true,
    });
    const { msg } = await service.log.line(/^Metrics: http:/);
    const own = supertest(new URL(/http:\S+/.exec(msg)![0]).origin);
    const { text } = await own.get('/metrics').expect(200);
    expect(samplesOf(text).get('frontrunner_journal_writable')).toBe(1);
    await own.get('/tasks').expect(404);
    await own.post('/metrics').expect(405);
    for (const name of ['localhost', '[::1]:9464', 'scraped.internal'])
      await own.get('/metrics').set('Host', name).expect(200);
    // A page can lead a name of its own to this machine, and read what it gets there.
    await own.get('/metrics').set('Host', 'page.example').expect(421);
    await expectProblem(service, await service.http.get('/metrics'), 404, 'not-found');
    await service.close();
    keys.remove();
  });
});
