import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { ControlledTask } from '../support/controlled-task.js';
import { inlineTask } from '../support/inline-task.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import type { TestApp } from '../support/test-app.js';
import { WatchedPage } from '../support/watched-page.js';

describe('The page’s list of runs in a browser', () => {
  const race = new ControlledTask('race', { swift: {}, steady: {} });
  let service: TestApp;
  let watched: WatchedPage;
  let page: Page;
  const rows = () => page.locator('.list-all > [role=row]');
  const start = async (labels: object = {}): Promise<string> => {
    const response = await service.http
      .post('/tasks/race/runs')
      .set('Prefer', 'respond-async')
      .send({ labels });
    return (response.body as { id: string }).id;
  };

  beforeAll(async () => {
    watched = await WatchedPage.serve({
      providers: [...race.providers, ...inlineTask('quick', { only: { run: () => 1 } })],
    });
    ({ page, service } = watched);
  });

  afterAll(async () => {
    await watched.close();
    expect(watched.complaints).toEqual([]);
  });

  it('has runs as they start, says who won, and what is still in the background', async () => {
    await page.goto(`${service.url}/ui/#/runs`);
    await page.getByText('No run yet').waitFor();
    await start({ tenant: 'acme' });
    const row = rows().first();
    await row.getByText('swift, steady').waitFor();
    (await race.next('swift')).succeed();
    await row.locator('.runs-winner', { hasText: 'swift' }).waitFor();
    expect(await row.locator('.runs-rest').textContent()).toContain('steady');
    expect(await row.locator('.runs-reply').textContent()).toMatch(/\d (ms|s)$/);
    (await race.next('steady')).succeed();
    await row.getByText('succeeded').waitFor();
    expect(await watched.faults()).toEqual([]);
  });

  it('lets new runs wait while the reader has paused it', async () => {
    await page.getByRole('button', { name: 'Pause' }).click();
    const before = await rows().count();
    await start();
    await page.getByRole('button', { name: '1 new run' }).click();
    expect(await rows().count()).toBe(before + 1);
    await page.getByRole('button', { name: 'Go on' }).click();
    const { swift, steady } = await race.all();
    swift.fail(new Error('no'));
    steady.fail(new Error('no'));
    await rows().first().getByText('failed').waitFor();
  });

  it('keeps its filters in the address, and has runs come and go by them', async () => {
    await page.getByRole('button', { name: 'running', exact: true }).click();
    await page.getByText('No run fits').waitFor();
    await page.getByLabel('Label').fill('tenant:acme');
    await page.keyboard.press('Enter');
    await page.waitForURL(/label=tenant%3Aacme/);
    expect(page.url()).toContain('status=running');
    await start();
    await start({ tenant: 'acme' });
    await rows().first().getByText('running').waitFor();
    expect(await rows().count()).toBe(1);
    for (let times = 0; times < 2; times += 1) {
      const { swift, steady } = await race.all();
      swift.succeed();
      steady.succeed();
    }
    await page.getByText('No run fits').waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.waitForURL(/runs$/);
    await rows().nth(3).waitFor();
  });

  it('finds a label whose value has spaces', async () => {
    await start({ city: 'New York', tenant: 'acme' });
    await page.getByLabel('Label').fill(' city:New York  tenant:acme ');
    await page.keyboard.press('Enter');
    await page.waitForURL(/label=city%3ANew\+York&label=tenant%3Aacme$/);
    // It may be empty for a moment between all runs and those that fit.
    await rows().nth(1).waitFor({ state: 'detached' });
    await rows().getByText('city:New York').waitFor();
    expect(await rows().count()).toBe(1);
    (await race.next('swift')).fail(new Error('no'));
    (await race.next('steady')).succeed();
  });

  it('shows a sub-task that is tried again in the background', async () => {
    const row = rows().first();
    await row.getByText('partly-failed').waitFor();
    const id = await row.getAttribute('data-key');
    await service.http.post(`/runs/${id}/sub-tasks/swift/retry`).expect(200);
    await row.locator('.runs-rest', { hasText: 'swift' }).waitFor();
    (await race.next('swift')).succeed();
    await row.getByText('succeeded').waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    await rows().nth(3).waitFor();
  });

  it('begins anew when the service has lost its runs, and comes by itself when it was away at first', async () => {
    const proxy = await TcpProxy.start(service.url);
    await page.goto(`${proxy.url(service.url)}ui/#/runs`);
    await rows().nth(3).waitFor();
    const begun = 'id: 0\nevent: cursor\ndata: {"id":0,"type":"cursor"}\n\n';
    await page.route('**/events?*', (route) =>
      route.fulfill({ contentType: 'text/event-stream', body: begun }),
    );
    await page.route('**/runs?*', (route) => route.fulfill({ status: 502, body: 'Bad gateway' }));
    await proxy.cut();
    await proxy.heal();
    await page.getByText('The service answered 502').first().waitFor();
    expect(await rows().count()).toBe(0);
    await page.unrouteAll();
    await rows().nth(3).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    await page.goto(`${service.url}/ui/#/runs`);
    await proxy.close();
    await rows().nth(3).waitFor();
  });

  it('says why it was refused, and connects no more', async () => {
    await page.goto(`${service.url}/ui/#/runs?label=none`);
    await page.getByRole('alert').getByText('Invalid request').waitFor();
    await page.getByText('reconnecting…').waitFor({ state: 'detached' });
    await page.goto(`${service.url}/ui/#/runs`);
    await rows().nth(3).waitFor();
  });

  it('opens a run from the keys, under which no row changes', async () => {
    await rows().first().focus();
    await start();
    await page.getByRole('button', { name: '1 new run' }).waitFor();
    const { swift, steady } = await race.all();
    swift.succeed();
    steady.succeed();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.locator('[data-index="2"]:focus').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'race' }).waitFor();
    await page.goBack();
    await rows().first().waitFor();
  });

  it('has ten thousand runs, of which only those in sight are in the document', async () => {
    const before = service.runsStarted;
    for (let batch = 0; batch < 10; batch += 1)
      await service.http
        .post('/tasks/quick/runs:batch')
        .send({ runs: Array.from({ length: 1_000 }, () => ({})) });
    expect(service.runsStarted - before).toBe(10_000);
    await page.reload();
    await rows().first().waitFor();
    // The frames that the page makes while it scrolls through all of them.
    await page.evaluate(`
      globalThis.frames = [];
      let last = performance.now();
      requestAnimationFrame(function frame(now) { frames.push(now - last); last = now; requestAnimationFrame(frame); })
    `);
    const last = page.locator('.list-all > [data-index="9999"]');
    while ((await last.count()) === 0)
      await page.evaluate(`new Promise((resolve) => {
        const box = document.querySelector('.list-box');
        box.scrollTop = Math.min(box.scrollTop + 6_000, 9_990 * 38);
        requestAnimationFrame(resolve);
      })`);
    await last.waitFor();
    const frames = (await page.evaluate<number[]>('frames')).sort((a, b) => a - b);
    const at = (share: number): string => (frames[Math.floor(share * (frames.length - 1))] ?? 0).toFixed(1);
    process.stdout.write(
      `  ${frames.length} frames through 10,000 runs: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(1)} ms\n`,
    );

    expect(await last.getAttribute('aria-rowindex')).toBe('10001');
    expect(await rows().count()).toBeLessThan(60);
    await start();
    await page.getByRole('button', { name: '1 new run' }).waitFor();
    const { swift, steady } = await race.all();
    swift.succeed();
    steady.succeed();
  });
});
