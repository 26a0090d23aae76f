import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { expectProblem } from '../../support/problem.js';
import { tasksFiles } from '../../support/tasks-file.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { TestApp } from '../../support/test-app.js';
import { TestCluster } from '../../support/test-cluster.js';
import { json, UpstreamServer } from '../../support/upstreams.js';

const DOWN = { error: { code: 'upstream-status', upstream: { status: 500 } } };
const OPEN = { status: 'failed', attempts: 0, error: { code: 'circuit-open' } };

describe('breakers of upstreams', () => {
  const write = tasksFiles();
  const directory = temporaryDirectory();
  let databases = 0;
  let isDown = true;
  let retryAfter: string | undefined;
  let sick: UpstreamServer;
  let good: UpstreamServer;
  let service: TestApp | undefined;
  beforeAll(async () => {
    sick = await UpstreamServer.start((_request, response) => {
      const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
      response.writeHead(isDown ? (retryAfter === undefined ? 500 : 429) : 200, {
        'content-type': 'application/json',
        ...headers,
      });
      response.end('{"from":"sick"}');
    });
    good = await UpstreamServer.start(json({ from: 'good' }));
  });
  afterEach(async () => {
    [isDown, retryAfter] = [true, undefined];
    await service?.close();
  });
  afterAll(async () => {
    await sick.close();
    await good.close();
  });

  const start = async (database: string, breaker: string) => {
    const file = write(`
defaults:
  http: { allowPrivate: true, breaker: ${breaker} }
tasks:
  race:
    subTasks:
      - { name: first, kind: http, url: '${sick.origin}/a' }
      - { name: second, kind: http, url: '${good.origin}/b', breaker: false, start: after-failure }
  other:
    subTasks: [{ name: only, kind: http, url: '${sick.origin}/c' }]
`);
    service = await TestApp.start({
      env: { TASKS_FILE: file, DATABASE_URL: database },
      amongOthers: true,
    });
    return service;
  };
  const sqlite = () => `sqlite:${join(directory, `${++databases}.db`)}`;
  /** A run of a task that is finished, as it is shown. */
  const run = async (app: TestApp, task: string) => {
    return app.finishedRun((await app.answer(task)).runId);
  };
  const statesOf = async (app: TestApp) => {
    const { breakers } = (await app.http.get('/breakers').expect(200)).body as {
      breakers: { state: string }[];
    };
    return breakers.map(({ state }) => state);
  };
  const shown = async (app: TestApp) => (await app.http.get('/breakers').expect(200)).body as unknown;

  test('leave a sick one alone for all tasks that call it, so that the next sub-task starts', async () => {
    const app = await start('memory:', '{ least: 3 }');
    expect(await shown(app)).toMatchObject({
      breakers: [
        {
          ...{ upstream: sick.origin, state: 'closed', since: null, until: null, reason: null },
          subTasks: [
            { task: 'race', subTask: 'first' },
            { task: 'other', subTask: 'only' },
          ],
        },
      ],
    });
    for (let n = 0; n < 3; n += 1) expect((await run(app, 'race')).subTasks[0]).toMatchObject(DOWN);
    const before = sick.requests.length;
    const answered = await run(app, 'race');
    expect(answered.reply).toMatchObject({ answeredBy: 'second', result: { from: 'good' } });
    expect(answered.subTasks[0]).toMatchObject(OPEN);
    const refused = await app.run('other');
    expect(await expectProblem(app, refused, 502, 'run-failed')).toMatchObject({
      failures: [{ subTask: 'only', code: 'circuit-open' }],
    });
    expect(refused.get('Retry-After')).toMatch(/^[1-5]$/);
    expect(sick.requests).toHaveLength(before);
    expect(await shown(app)).toMatchObject({
      breakers: [{ state: 'open', reason: '3 of 3 attempts within 30s failed', failedProbes: 0 }],
    });
    expect(app.log.lines.map(({ msg }) => msg)).toContainEqual(
      expect.stringMatching(/^The breaker of http.* is open for 5s: 3 of 3 attempts within 30s failed$/),
    );
    const { text } = await app.http.get('/metrics').expect(200);
    expect(text).toContain(`frontrunner_breaker_state{frontrunner_upstream="${sick.origin}"} 2`);
    expect(text).toContain(`frontrunner_breaker_opened_total{frontrunner_upstream="${sick.origin}"} 1`);
  });

  test('are open after a restart as before it, until one is reset', async () => {
    const database = sqlite();
    const before = await start(database, '{ least: 2, cooldown: 1h, maxCooldown: 1h }');
    for (let n = 0; n < 2; n += 1) await run(before, 'race');
    await before.close();
    const requests = sick.requests.length;
    const after = await start(database, '{ least: 2, cooldown: 1h, maxCooldown: 1h }');
    expect((await run(after, 'race')).subTasks[0]).toMatchObject(OPEN);
    expect(sick.requests).toHaveLength(requests);
    await expectProblem(after, await after.http.delete('/breakers/unknown'), 404, 'not-found');
    await after.http.delete(`/breakers/${encodeURIComponent(sick.origin)}`).expect(204);
    isDown = false;
    expect((await run(after, 'race')).reply).toMatchObject({ answeredBy: 'first' });
    await after.close();
    expect(await shown(await start(database, '{ least: 2 }'))).toMatchObject({
      breakers: [{ state: 'closed' }],
    });
  });

  test('are known to other nodes, open and closed', async () => {
    const cluster = new TestCluster();
    const database = await cluster.url();
    const one = await start(database, '{ least: 2, cooldown: 1h, maxCooldown: 1h }');
    const other = await start(database, 'true');
    for (let n = 0; n < 2; n += 1) await run(one, 'race');
    const until = async (state: string) => {
      while (!isDeepStrictEqual(await statesOf(other), [state]));
    };
    await until('open');
    expect((await run(other, 'race')).subTasks[0]).toMatchObject(OPEN);
    await one.http.delete(`/breakers/${encodeURIComponent(sick.origin)}`).expect(204);
    await until('closed');
    await one.close();
  });

  test('tell callers when the first lets an attempt through, where each refuses, also behind a restart', async () => {
    const open = (upstream: string, cooldown: string) =>
      `breaker: { upstream: ${upstream}, least: 1, cooldown: ${cooldown}, maxCooldown: 2h }`;
    const file = write(`
defaults:
  http: { allowPrivate: true }
tasks:
  all-open:
    subTasks:
      - { name: later, kind: http, url: '${sick.origin}/a', ${open('later', '2h')} }
      - { name: sooner, kind: http, url: '${sick.origin}/b', ${open('sooner', '1h')} }
  one-open:
    subTasks:
      - { name: sooner, kind: http, url: '${sick.origin}/b', ${open('sooner', '1h')} }
      - { name: fails, kind: http, url: '${sick.origin}/c' }
`);
    const env = { TASKS_FILE: file, DATABASE_URL: sqlite() };
    service = await TestApp.start({ env });
    const detected = await service.run('all-open');
    await expectProblem(service, detected, 502, 'run-failed');
    expect(detected.get('Retry-After')).toBeUndefined();
    await service.close();
    service = await TestApp.start({ env });
    const refused = await service.run('all-open');
    const { failures } = await expectProblem(service, refused, 502, 'run-failed');
    const { breakers } = (await shown(service)) as { breakers: { upstream: string; until: string }[] };
    expect(breakers.map(({ upstream }) => upstream)).toEqual(['later', 'sooner']);
    const [later, sooner] = breakers.map(({ until }) => Date.parse(until));
    const retryAt = (failures as { retryAt: string }[]).map((each) => Date.parse(each.retryAt));
    for (const [index, until] of [later!, sooner!].entries())
      expect(Math.abs(retryAt[index]! - until)).toBeLessThan(1_000);
    const seconds = Number(refused.get('Retry-After'));
    expect(seconds).toBeGreaterThan(3_000);
    expect(seconds).toBeLessThanOrEqual(3_600);
    const mixed = await service.run('one-open');
    await expectProblem(service, mixed, 502, 'run-failed');
    expect(mixed.get('Retry-After')).toBeUndefined();
  });

  test('of shadows keep nobody from an upstream that answers others', async () => {
    const upstream = await UpstreamServer.start((request, response) => {
      response.writeHead(request.url === '/old' ? 200 : 500, { 'content-type': 'application/json' });
      response.end('{}');
    });
    try {
      const file = write(`
defaults:
  http: { allowPrivate: true, breaker: { least: 3, failures: 1% } }
tasks:
  price:
    subTasks:
      - { name: old, kind: http, url: '${upstream.origin}/old' }
      - { name: next, kind: http, url: '${upstream.origin}/next', shadow: true }
`);
      service = await TestApp.start({ env: { TASKS_FILE: file } });
      for (let n = 0; n < 3; n += 1) await run(service, 'price');
      expect((await run(service, 'price')).subTasks).toMatchObject([{ status: 'succeeded' }, OPEN]);
      expect(await shown(service)).toMatchObject({
        breakers: [
          { upstream: upstream.origin, state: 'closed' },
          { upstream: 'price/next', state: 'open' },
        ],
      });
    } finally {
      await upstream.close();
    }
  });

  test('open for as long as Retry-After of one answer asks for', async () => {
    retryAfter = '30';
    const app = await start('memory:', 'true');
    await run(app, 'race');
    const { breakers } = (await shown(app)) as {
      breakers: { state: string; since: string; until: string }[];
    };
    const [{ state, since, until } = { state: '', since: '', until: '' }] = breakers;
    expect([state, Date.parse(until) - Date.parse(since)]).toEqual(['open', 30_000]);
  });
});
