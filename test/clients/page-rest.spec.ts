import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page, Route } from 'playwright-core';
import { inlineTask } from '../support/inline-task.js';
import type { TestApp } from '../support/test-app.js';
import { WatchedPage } from '../support/watched-page.js';

const NODE = {
  id: '019abc5e-9a0e-7b5c-8c0e-1d2f3a4b5c6d',
  self: true,
  role: 'all',
  state: 'taking runs',
  startedAt: '2026-11-23T11:00:00.000Z',
  seenMs: 240,
  runs: 12,
  slots: { used: 12, limit: 20_000 },
  version: '0.2.0',
  skewMs: 3,
  lagMs: 0,
};
const COMMITS = { count: 512, p50: 1.1, p90: 2, p99: 6.3 };
const LETTER = {
  runId: NODE.id,
  task: 'fast',
  subTask: 'hare',
  since: '2026-11-23T12:00:00.000Z',
  deliveries: 3,
  reason: 'was under way in that many nodes that died',
};

describe('The screens of tasks and nodes in a browser', () => {
  let service: TestApp;
  let watched: WatchedPage;
  let page: Page;
  /** The paths that the page has asked for. */
  const asked: string[] = [];

  beforeAll(async () => {
    watched = await WatchedPage.serve({
      providers: [
        ...inlineTask('fast', { hare: { run: () => 'won' }, tortoise: { run: () => 'too' } }),
        ...inlineTask('idle', { one: { run: () => 1 } }),
      ],
    });
    ({ page, service } = watched);
    page.setDefaultTimeout(10_000);
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await run();
  });
  afterAll(async () => {
    expect(watched.complaints).toEqual([]);
    await watched.close();
  });

  async function run(labels = {}): Promise<string> {
    const { runId } = await service.answer('fast', { labels });
    await service.event(runId, 'run.finished');
    return runId;
  }
  const open = (place: string) => page.goto(`${service.url}/ui/#/${place}`);
  const heading = (name: string) => page.getByRole('heading', { name, exact: true }).waitFor();

  /** Answers in place of the service: what nodes on Postgres say. */
  async function stand(path: string, answer: unknown): Promise<void> {
    await page.route(`${service.url}${path}`, (route: Route) => route.fulfill({ json: answer }));
  }

  it('lists the tasks, and leads to each and to a start', async () => {
    await open('tasks');
    const start = page.getByRole('link', { name: 'Start a run of fast' });
    expect(await start.getAttribute('href')).toBe('#/runs?start=fast');
    expect(asked).not.toContain('/ui/vendor/uplot.js');
    await page.getByRole('link', { name: 'fast', exact: true }).click();
    await heading('fast');
  });

  it('shows the race of a task, again and again, in pictures and in a table', async () => {
    await open('tasks/fast');
    const runs = page.locator('.figure', { hasText: 'runs' }).locator('dd');
    await runs.waitFor();
    const before = Number(await runs.textContent());
    const table = page.getByRole('group', { name: 'The race as a table' }).getByRole('table');
    expect(await table.getByRole('rowheader').allTextContents()).toEqual(['hare', 'tortoise']);
    const wins = page.locator('section', { has: page.getByRole('heading', { name: 'Who wins' }) });
    expect(await wins.getByRole('listitem').first().textContent()).toMatch(/hare.*100 %.*wins?/s);
    await run();
    await page
      .locator('.figure dd', { hasText: new RegExp(`^${before + 1}$`) })
      .first()
      .waitFor();
  });

  it('draws reply times with a library that no other screen loads', async () => {
    await open('tasks/fast');
    await page.locator('.task-plot canvas').first().waitFor();
    expect(asked).toContain('/ui/vendor/uplot.js');
    await page.getByText('As a table', { exact: true }).click();
    const minutes = page.getByRole('group', { name: 'Reply times by the minute' });
    expect(await minutes.getByRole('row').nth(1).textContent()).toMatch(/\d+.*0.*ms/);
  });

  it('draws what other start rules would have come to, and says the same in a table', async () => {
    await run();
    await open('tasks/fast');
    const section = page.locator('section', {
      has: page.getByRole('heading', { name: 'What other rules would have come to' }),
    });
    await section.locator('canvas').waitFor();
    await section.getByText('The rules as a table').click();
    const rules = section.getByRole('group', { name: 'Reply times and extra starts by rule' });
    const names = await rules.getByRole('rowheader').allTextContents();
    expect([names[0], names.at(-1), names.length]).toEqual(['after-failure', 'as it was', 13]);
    expect(await rules.getByRole('row').nth(1).textContent()).toMatch(/after-failure.*0 %.*ms/s);
    await stand('/tasks/fast/stats/what-if', { runs: 0 });
    await page.reload();
    await section.getByText('No finished run can be replayed yet.').waitFor();
    await page.unroute(`${service.url}/tasks/fast/stats/what-if`);
  });

  it('says of a task that it has not run, and of one that there is not', async () => {
    await open('tasks/idle');
    await page.getByText('No run of the last hour').waitFor();
    await heading('As it is declared');
    await open('tasks/nothing');
    await page.getByRole('alert').getByText('nothing').first().waitFor();
  });

  it('shows nodes, the queue and the journal, and sends dead letters back once that is confirmed', async () => {
    await stand('/nodes', {
      nodes: [
        NODE,
        { ...NODE, id: 'b', self: undefined, state: 'draining', slots: { used: 3, limit: null } },
      ],
      journal: { kind: 'postgres', pendingEvents: 3, commitMs: COMMITS, fileBytes: null },
    });
    const queue = {
      queued: 320,
      keys: [{ key: '["acme"]', queued: 312 }],
      unfinished: 230,
      waiting: 0,
      setAside: 0,
      deliveries: 4,
      oldestDeliveryMs: 120,
    };
    await stand('/queue', { ...queue, dead: 1, commands: 0, commitLagMs: 2, paused: [], pausedQueues: [] });
    await stand('/queue/dead-letters*', { deadLetters: [LETTER] });
    await stand('/admin/queue/redrive', { redriven: 1 });
    await open('nodes');
    await page.getByText('12 of 20,000 slots used').waitFor();
    await page.getByText('["acme"]: 312').waitFor();
    await page.getByRole('button', { name: 'Redrive', exact: true }).click();
    const sent = page.waitForRequest('**/admin/queue/redrive');
    await page
      .getByRole('group', { name: 'It is tried again.' })
      .getByRole('button', { name: 'Redrive' })
      .click();
    expect((await sent).postDataJSON()).toEqual({ runs: [LETTER.runId] });
    await page.getByText('1 sent back').waitFor();
    const drained = page.waitForRequest(`**/admin/nodes/${NODE.id}/drain`);
    await page.getByRole('button', { name: 'Drain' }).click();
    await page
      .getByRole('group', { name: /no new run/ })
      .getByRole('button', { name: 'Drain' })
      .click();
    expect((await drained).method()).toBe('POST');
    // There is no such node.
    await page.getByRole('alert').waitFor();
  });

  it('shows the breakers of upstreams, and resets one', async () => {
    const breaker = {
      ...{ upstream: 'https://eu.example', state: 'open', since: NODE.startedAt, until: NODE.startedAt },
      ...{ reason: '6 of 11 attempts within 30s failed', failedProbes: 0, attempts: 0, failed: 0, slow: 0 },
      subTasks: [{ task: 'weather', subTask: 'eu' }],
    };
    await stand('/breakers', { breakers: [breaker] });
    await page.getByText('6 of 11 attempts within 30s failed').waitFor();
    await page.getByText('weather/eu').waitFor();
    const deleted = page.waitForRequest('**/breakers/https%3A%2F%2Feu.example');
    await page.getByRole('button', { name: 'Reset' }).click();
    await page
      .getByRole('group', { name: 'It is called again.' })
      .getByRole('button', { name: 'Reset' })
      .click();
    expect((await deleted).method()).toBe('DELETE');
    await stand('/breakers', { breakers: [] });
    await page.getByText('weather/eu').waitFor({ state: 'detached' });
  });

  it('keeps what it knew while the service is away, and then goes on', async () => {
    await page.route(`${service.url}/nodes`, (route: Route) => route.abort());
    await page.getByRole('alert').getByText('can’t be reached').waitFor();
    await page.getByText('12 of 20,000 slots used').waitFor();
    await stand('/nodes', {
      nodes: [{ ...NODE, slots: { used: 13, limit: 20_000 } }],
      journal: { kind: 'sqlite', pendingEvents: 0, commitMs: COMMITS, fileBytes: 1_048_576 },
    });
    await page.getByText('13 of 20,000 slots used').waitFor();
    await page.getByText('1.0 MB').waitFor();
    expect(await page.getByRole('heading', { name: 'Dead letters' }).count()).toBe(0);
    await page.unrouteAll();
  });

  it('asks no more while its tab is out of sight, and again as soon as it is back', async () => {
    const other = await watched.browser.newPage();
    await other.clock.install();
    let times = 0;
    other.on('request', (request) => (times += Number(request.url().endsWith('/nodes'))));
    const turn = (hidden: boolean) =>
      other.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))`,
      );
    await other.goto(`${service.url}/ui/#/nodes`);
    await other.getByText('slots used').waitFor();
    await turn(true);
    await other.clock.runFor(4_000);
    const before = times;
    await other.clock.runFor(60_000);
    expect(times).toBe(before);
    const again = other.waitForRequest('**/nodes');
    await turn(false);
    await again;
    await other.close();
  });

  it('says why a key can’t redrive, shows who is signed in, and leads whoever isn’t to the sign-in', async () => {
    const session = {
      keyNeeded: true,
      client: 'ada',
      scopes: ['runs:read'],
      until: '2026-11-24T00:00:00.000Z',
    };
    await stand('/session', session);
    await stand('/nodes', {
      nodes: [NODE],
      journal: { kind: 'postgres', pendingEvents: 0, commitMs: COMMITS, fileBytes: null },
    });
    await stand('/queue', { queued: 0, unfinished: 1, dead: 1, paused: [], pausedQueues: [] });
    await stand('/queue/dead-letters*', { deadLetters: [LETTER] });
    await page.reload();
    await page.getByText('The key ada lacks the scope admin.').waitFor();
    expect(await page.getByRole('button', { name: 'Redrive all' }).isDisabled()).toBe(true);
    expect(await page.locator('.who').textContent()).toContain('ada');
    await stand('/sign-in*', {});
    await stand('/session', { ...session, client: null, scopes: [], until: null });
    await page.route(`${service.url}/queue`, (route: Route) =>
      route.fulfill({ status: 401, contentType: 'application/problem+json', json: { status: 401 } }),
    );
    await page.waitForURL(/\/sign-in\?next=%2Fui%2F%23%2Fnodes$/);
    await page.unrouteAll();
    // An open stream goes on without its session.
    await stand('/session', session);
    await open('runs');
    await page.locator('.who').waitFor();
    await stand('/sign-in*', {});
    await stand('/session', { ...session, client: null, scopes: [], until: null });
    await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
    await page.waitForURL(/\/sign-in\?next=%2Fui%2F%23%2Fruns$/);
    await page.unrouteAll();
  });

  it('asks no more for what was refused', async () => {
    const other = await watched.browser.newPage();
    await other.clock.install();
    let times = 0;
    await other.route('**/nodes', (route: Route) => {
      times += 1;
      return route.fulfill({ status: 403, contentType: 'application/problem+json', json: { status: 403 } });
    });
    await other.goto(`${service.url}/ui/#/nodes`);
    await other.getByRole('alert').waitFor();
    await other.clock.runFor(60_000);
    expect(times).toBe(1);
    await other.close();
  });

  it.each([
    ['tasks', 'Tasks'],
    ['tasks/fast', 'fast'],
    ['tasks/idle', 'idle'],
    ['nodes', 'Nodes'],
  ])('is usable by everybody, on any screen, by day and by night: %s', async (screen, title) => {
    await open(screen);
    await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
    expect(await watched.faults()).toEqual([]);
  });
});
