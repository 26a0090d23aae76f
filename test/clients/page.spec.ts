import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { startBrowser } from '../support/browser.js';
import { TestApp } from '../support/test-app.js';

describe('The page in a browser', () => {
  let browser: Browser;
  let service: TestApp;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    service = await TestApp.start({ amongOthers: true });
    browser = await startBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
  });

  afterAll(async () => {
    await browser.close();
    await service.close();
  });

  it('has a screen of its own for each part of the service', async () => {
    await page.goto(`${service.url}/ui`);
    for (const name of ['Runs', 'Tasks', 'Events', 'Nodes']) {
      await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
    }

    expect(complaints).toEqual([]);
  });
});
