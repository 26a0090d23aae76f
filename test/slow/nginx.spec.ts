import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EventSource } from 'eventsource';
import supertest from 'supertest';
import { ControlledTask } from '../support/controlled-task.js';
import { hasNginx, Nginx } from '../support/nginx.js';
import { TestApp } from '../support/test-app.js';

const race = new ControlledTask('race', { fast: {}, slow: {} });
const found = hasNginx();
if (!found)
  process.stdout.write('Skipped: nginx.spec.ts, for there is no nginx (apt-get install nginx-light)\n');

(found ? describe : describe.skip)('a service behind nginx with a prefix', () => {
  let service: TestApp;
  let nginx: Nginx;
  beforeAll(async () => {
    service = await TestApp.start({
      env: { TRUSTED_PROXIES: 'loopback', RATE_LIMIT: '1000/1h' },
      providers: race.providers,
    });
    nginx = await Nginx.start(service.url);
  });
  afterAll(async () => {
    await nginx.stop();
    await service.close();
  });

  const get = (path: string) => supertest(nginx.url).get(path);
  const follow = (link: string) => {
    expect(link.startsWith(`${nginx.url}/`)).toBe(true);
    return supertest(link).get('');
  };

  test('gives links that lead through it', async () => {
    for (let run = 0; run < 2; run += 1) {
      const answer = await supertest(nginx.url).post('/tasks/demo/runs').send({}).expect(200);
      const { runId, links } = answer.body as { runId: string; links: { run: string; task: string } };
      for (const link of [answer.get('Location')!, links.run, links.task]) await follow(link).expect(200);
      await service.event(runId, 'run.finished');
    }
    const list = await get('/runs?limit=1').expect(200);
    await follow(/^<(.*)>; rel="next"$/.exec(list.get('Link')!)![1]!).expect(200);
    const problem = await get('/nowhere').expect(404);
    const page = await follow((problem.body as { type: string }).type).expect(200);
    expect(page.text).toContain('Not found');
  });

  test('shows its documentation, which calls it there', async () => {
    const page = await get('/docs').redirects(1).expect(200);
    const assets = [...page.text.matchAll(/(?:src|href)="\.\/(docs\/[^"]+\.(?:js|css))"/g)];
    expect(assets.length).toBeGreaterThanOrEqual(4);
    for (const [, asset] of assets) await get(`/${asset!}`).expect(200);
    const document = await get('/openapi.json').expect(200);
    expect(document.body).toMatchObject({ servers: [{ url: nginx.url }] });
  });

  test('shows the page there, from wherever it is asked for', async () => {
    const root = await get('/').expect(302);
    const whole = await follow(root.get('Location')!).expect(200);
    const page = await supertest(`${nginx.url}/ui`).get('').redirects(1).expect(200);
    expect(whole.text).toBe(page.text);
    const files = [...page.text.matchAll(/(?:src|href)="([^".][^"]*)"/g)].map(([, file]) => file!);
    expect(files.length).toBeGreaterThanOrEqual(5);
    for (const file of files) await get(`/ui/${file}`).expect(200);
  });

  test('counts requests by the address that nginx was called from', async () => {
    const limit = async (address: string) =>
      (await get('/tasks').set('X-Forwarded-For', address).expect(200)).get('RateLimit');
    expect(await limit('203.0.113.1')).toMatch(/r=999/);
    expect(await limit('203.0.113.1')).toMatch(/r=998/);
    expect(await limit('203.0.113.2')).toMatch(/r=999/);
  });

  test('is told of stream tokens in its log no more than of other queries', async () => {
    const made = await supertest(nginx.url).post('/stream-tokens').send({ path: '/events' }).expect(200);
    const { url, token } = made.body as { url: string; token: string };
    const source = new EventSource(url);
    await once(source, 'open');
    source.close();
    expect(await nginx.logged('"GET /frontrunner/events" 200')).not.toContain(token);
  });

  test('streams events as they come', async () => {
    const answer = await supertest(nginx.url)
      .post('/tasks/race/runs')
      .set('Prefer', 'respond-async')
      .expect(202);
    const source = new EventSource(`${answer.get('Location')!}/events`);
    const started = once(source, 'run.started');
    const { fast, slow } = await race.all();
    // The run goes on: nothing of the stream is held back until its end.
    await started;
    const replied = once(source, 'run.replied');
    fast.succeed();
    await replied;
    const finished = once(source, 'run.finished');
    slow.succeed();
    await finished;
    source.close();
  });
});
