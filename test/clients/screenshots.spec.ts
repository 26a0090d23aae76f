import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { sharedBrowser } from '../support/browser.js';
import { raceTasks } from '../support/race-tasks.js';
import { TestApp } from '../support/test-app.js';
import { DELIVERY, PAUSED } from '../support/webhook-answers.js';

const DOCS = fileURLToPath(new URL('../../docs/images', import.meta.url));
/** What a reader waits for at most. */
const LARGEST = 120_000;

/** With SCREENSHOTS=1 they are those of the docs (`npm run screenshots`), else they show that taking them still works. */
describe('The pictures of the page', () => {
  const isForDocs = process.env.SCREENSHOTS === '1';
  let folder: string;
  let service: TestApp;
  let page: Page;

  beforeAll(async () => {
    folder = isForDocs ? DOCS : await mkdtemp(join(tmpdir(), 'pictures-'));
    service = await TestApp.start({
      amongOthers: true,
      providers: [...raceTasks],
      env: { DEMO_TIME_SCALE: '0.2' },
    });
    page = await (await sharedBrowser()).newPage({ locale: 'en-GB', reducedMotion: 'reduce' });
  });

  afterAll(async () => {
    await page.close();
    await service.close();
    if (!isForDocs) await rm(folder, { recursive: true });
  });

  const quote = async (symbol: string): Promise<string> => {
    const { runId } = await service.answer('quote', {
      input: { symbol, amount: 250_000 },
      labels: { tenant: symbol === 'EURUSD' ? 'acme' : 'globex' },
    });
    return runId;
  };

  /** A webhook whose receiver fails, which takes hours. */
  const fail = async (): Promise<void> => {
    const path = `${service.url}/webhooks/${PAUSED.id}`;
    const delivered = {
      ...DELIVERY,
      status: 'delivered',
      attempts: 1,
      report: { at: DELIVERY.changedAt, tookMs: 41, status: 204 },
    };
    const deliveries = [
      DELIVERY,
      { ...delivered, event: 41, type: 'run.replied' },
      { ...delivered, event: 17 },
    ];
    await page.route(path, (route) => route.fulfill({ json: PAUSED }));
    await page.route(`${path}/deliveries*`, (route) => route.fulfill({ json: { deliveries, next: null } }));
  };

  const take = async (name: string, place: string, height: number): Promise<number> => {
    const path = join(folder, `${name}.png`);
    await page.setViewportSize({ width: 1280, height });
    await page.goto(`${service.url}/ui/#/${place}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    // All that the screen asks for at first is there.
    await page.waitForFunction(
      `document.fonts.ready.then(() => !document.body.innerText.includes('Loading'))`,
    );
    await page.evaluate(`new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))`);
    await page.screenshot({ path });
    return (await stat(path)).size;
  };

  it('show each screen in less than 120 kB', async () => {
    // The first run of a process is slower than others.
    await service.finishedRun(await quote('EURUSD'));
    const id = await quote('EURUSD');
    await service.finishedRun(id);
    for (let times = 0; times < 6; times += 1) {
      await service.answer('demo');
      await quote(times % 2 ? 'EURUSD' : 'USDJPY');
    }
    await fail();
    const sizes = {
      runs: await take('runs', 'runs', 580),
      task: await take('task', 'tasks/quote', 720),
      events: await take('events', 'events', 460),
      nodes: await take('nodes', 'nodes', 620),
      webhook: await take('webhook', `webhooks/${PAUSED.id}`, 760),
      run: await take('run', `runs/${id}`, 660),
    };
    await page.emulateMedia({ colorScheme: 'dark' });
    const all = { ...sizes, 'run-dark': await take('run-dark', `runs/${id}?panel=south`, 600) };

    expect(Object.entries(all).filter(([, size]) => size > LARGEST)).toEqual([]);
  });
});
