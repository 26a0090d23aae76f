import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { ApiKeys } from '../support/api-keys.js';
import { sharedBrowser } from '../support/browser.js';
import { TestApp } from '../support/test-app.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe('in a browser', () => {
  const keys = new ApiKeys();
  const key = keys.create('ada', 'runs:read', 'runs:write');
  let service: TestApp;
  let page: Page;
  beforeAll(async () => {
    service = await TestApp.start({ env: { API_KEYS_FILE: keys.path }, key, amongOthers: true });
    page = await (await sharedBrowser()).newPage({ viewport: { width: 390, height: 800 } });
  });
  afterAll(async () => {
    await page.close();
    await service.close();
    keys.remove();
  });

  const widthBeyond = () => page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  async function violations(): Promise<unknown> {
    await page.evaluate(AXE);
    return page.evaluate(
      'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))',
    );
  }

  test('the sign-in page fits phones, in light and dark, says what is wrong, and leads back where one wanted to go', async () => {
    await page.goto(`${service.url}/ui/#/runs/some`);
    expect(new URL(page.url()).pathname).toBe('/sign-in');
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await violations()).toEqual([]);
    }
    expect(await widthBeyond()).toBeLessThanOrEqual(0);
    await page.keyboard.type('fr_wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('none that the service knows').waitFor();
    expect(await violations()).toEqual([]);
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(`${service.url}/ui/#/runs/some`);
    expect(await page.evaluate('document.cookie')).toBe('');
    expect(await page.evaluate('fetch("/session").then((answer) => answer.json())')).toMatchObject({
      client: 'ada',
    });
    const opened = page.evaluate<string>(
      'new Promise((resolve) => { new EventSource("/events").addEventListener("cursor", ({ type }) => resolve(type)) })',
    );
    expect(await opened).toBe('cursor');
  });

  test('Swagger UI starts runs and lists them with forms as they stand', async () => {
    await page.goto(`${service.url}/docs`);
    await page.getByText('POST').first().waitFor();
    expect(await widthBeyond()).toBeLessThanOrEqual(0);
    const operation = (id: string) => page.locator(`[id$="-${id}"]`);
    async function tryOut(id: string): Promise<void> {
      await operation(id).locator('.opblock-summary-control').click();
      await operation(id).getByRole('button', { name: 'Try it out' }).click();
    }
    async function execute(id: string): Promise<string> {
      await operation(id).getByRole('button', { name: 'Execute' }).click();
      return (
        (await operation(id).locator('.live-responses-table .response-col_status').last().textContent()) ?? ''
      );
    }
    await tryOut('createRun');
    const header = operation('createRun').getByPlaceholder('Idempotency-Key');
    expect(await header.inputValue()).toBe('');
    for (const _time of [1, 2]) expect(await execute('createRun')).toMatch(/^200/);
    expect(service.runsStarted).toBe(2);
    await tryOut('listRuns');
    for (const input of await operation('listRuns').locator('.parameters input').all())
      expect(await input.inputValue()).toBe('');
    expect(await execute('listRuns')).toMatch(/^200/);
    const answer = await operation('listRuns')
      .locator('.live-responses-table .response-col_description pre')
      .first()
      .textContent();
    expect(JSON.parse(answer ?? '')).toMatchObject({ runs: [{ task: 'demo' }, { task: 'demo' }] });
    expect(await widthBeyond()).toBeLessThanOrEqual(0);
    // Each operation shows few of the problems that it may answer with.
    expect(await operation('listRuns').locator('.responses-table tr.response').count()).toBeLessThan(8);
  });

  test('signing out ends the session', async () => {
    await page.goto(`${service.url}/sign-in`);
    await page.getByText('signed in as ada').waitFor();
    expect(await violations()).toEqual([]);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API key').waitFor();
    expect(await page.evaluate('fetch("/runs").then(({ status }) => status)')).toBe(401);
  });
});
