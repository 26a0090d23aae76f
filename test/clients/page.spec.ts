import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { inlineTask } from '../support/inline-task.js';
import type { TestApp } from '../support/test-app.js';
import { WatchedPage } from '../support/watched-page.js';

describe('The page in a browser', () => {
  let service: TestApp;
  let watched: WatchedPage;
  let page: Page;

  beforeAll(async () => {
    watched = await WatchedPage.serve({
      providers: inlineTask('large', {
        only: { run: () => Array.from({ length: 100_000 }, (_, index) => index) },
      }),
    });
    ({ page, service } = watched);
  });

  afterAll(async () => {
    await watched.close();
  });

  it('comes in less than 80 kB, and says how to start the first run', async () => {
    let bytes = 0;
    const sizes: Promise<unknown>[] = [];
    const count = (response: Awaited<ReturnType<Page['goto']>>): void => {
      // The streams of events never end.
      if (!response!.url().includes('/ui/')) return;
      const sent = response!.request().sizes();
      sizes.push(sent.then(({ responseBodySize }) => (bytes += responseBodySize)));
    };
    page.on('response', count);
    await page.goto(`${service.url}/ui`);
    await page.getByText('No run yet').waitFor();
    page.off('response', count);
    await Promise.all(sizes);
    const paint = await page.evaluate<number>(
      `performance.getEntriesByName('first-contentful-paint')[0]?.startTime`,
    );
    process.stdout.write(`  the page: ${bytes} bytes, first paint after ${Math.round(paint)} ms\n`);

    expect(bytes).toBeLessThan(80 * 1024);
    expect(await watched.faults()).toEqual([]);
  });

  it('has a screen of its own for each part of the service', async () => {
    await page.goto(`${service.url}/ui`);
    for (const name of ['Runs', 'Tasks', 'Events', 'Webhooks', 'Nodes']) {
      await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
    }

    expect(watched.complaints).toEqual([]);
  });

  it.each(['constructor', '__proto__/x', 'run', 'task', 'nodes/x'])(
    'has no screen at #/%s',
    async (place) => {
      await page.goto(`${service.url}/ui/#/${place}`);
      await page.getByRole('heading', { name: 'Nothing is here' }).waitFor();

      expect(watched.complaints).toEqual([]);
    },
  );

  it('writes durations that round up to a unit in that unit', async () => {
    const texts = await page.evaluate(
      `import('./format.js').then(({ duration }) => [9.96, 999.7, 59_960, 119_600, 3_599_600].map(duration))`,
    );

    expect(texts).toEqual(['10 ms', '1.00 s', '1 min 0 s', '2 min 0 s', '1 h 0 min']);
  });

  it('opens a large result a part at a time', async () => {
    const { runId } = await service.answer('large');
    await page.goto(`${service.url}/ui/#/runs/${runId}?panel=only`);
    const result = page.locator('.panel-part', { hasText: 'Result' }).locator('.json');
    await result.getByRole('button', { name: '99,900 more' }).click();
    await result.getByRole('button', { name: '98,900 more' }).waitFor();

    expect(await result.locator('.json-parts > div').count()).toBe(1_100);
  });

  it('has an axis with few round ticks, from parts of a millisecond to hours', async () => {
    const ticks = await page.evaluate(
      `import('./run/scale.js').then(({ spanOf, ticksOf }) => [0.1, 42, 5_003, 5 * 3_600_000].map((ms) =>
        ticksOf(spanOf(ms), 5).map(({ text }) => text).join()))`,
    );

    expect(ticks).toEqual([
      '0,0.1 ms,0.2 ms,0.3 ms,0.4 ms,0.5 ms',
      '0,10 ms,20 ms,30 ms,40 ms,50 ms',
      '0,2 s,4 s,6 s',
      '0,2 h,4 h',
    ]);
  });
});
