import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Page, Request, Route } from 'playwright-core';
import { inlineTask } from '../support/inline-task.js';
import type { TestApp } from '../support/test-app.js';
import { WatchedPage } from '../support/watched-page.js';
import { DELIVERY, PAUSED, REPORT, SECRET, WEBHOOK } from '../support/webhook-answers.js';

describe('The screens of webhooks in a browser', () => {
  let service: TestApp;
  let watched: WatchedPage;
  let page: Page;
  /** What the page has asked for that changes something, as `METHOD path`, with its body. */
  let asked: [string, unknown][];

  beforeAll(async () => {
    watched = await WatchedPage.serve({ providers: inlineTask('quote', { one: { run: () => 1 } }) });
    ({ page, service } = watched);
    page.setDefaultTimeout(10_000);
    const one = `/webhooks/${WEBHOOK.id}`;
    const waiting = { ...DELIVERY, event: 41, type: 'run.replied', status: 'waiting', attempts: 2 };
    const answers: Record<string, unknown> = {
      'GET /webhooks': { webhooks: [PAUSED, WEBHOOK], next: null },
      [`GET ${one}`]: WEBHOOK,
      [`GET ${one}/deliveries`]: {
        deliveries: [DELIVERY, { ...waiting, dueAt: '2026-11-23T13:00:00.000Z' }],
        next: 'older',
      },
      [`PATCH ${one}`]: PAUSED,
      [`POST ${one}/test`]: { delivered: false, ...REPORT },
      [`POST ${one}/rotate-secret`]: { ...WEBHOOK, secret: SECRET },
      [`POST ${one}/redrive`]: { redriven: 3 },
      [`POST ${one}/deliveries/42/redrive`]: { redriven: 1 },
      [`DELETE ${one}`]: '',
      'POST /webhooks': { ...WEBHOOK, secret: SECRET },
      'GET /webhooks/runs/deliveries': {
        deliveries: [{ ...waiting, event: 7, url: WEBHOOK.url }],
        next: null,
      },
    };
    // The answers of the service, without receivers that fail for hours.
    await page.route(
      (url) => url.pathname.startsWith('/webhooks'),
      (route: Route, request: Request) => {
        const path = `${request.method()} ${new URL(request.url()).pathname}`;
        if (request.method() !== 'GET') asked.push([path, request.postDataJSON()]);
        return path in answers ? route.fulfill({ json: answers[path] }) : route.fulfill({ status: 404 });
      },
    );
  });
  beforeEach(() => {
    asked = [];
  });
  afterAll(async () => {
    expect(watched.complaints).toEqual([]);
    await watched.close();
  });

  const open = (place: string) => page.goto(`${service.url}/ui/#/${place}`);
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  const confirm = async (question: string | RegExp, name: string) =>
    page.getByRole('group', { name: question }).getByRole('button', { name, exact: true }).click();

  it('lists them with their state, how far behind they are and what is dead', async () => {
    await open('webhooks');
    const rows = page.getByRole('group', { name: 'Webhooks, the newest first' }).getByRole('row');
    const paused = rows.filter({ hasText: PAUSED.url });
    expect(await paused.textContent()).toMatch(
      /paused.*nothing could be delivered.*1,204 events, 2 h 1 min.*0.*1/s,
    );
    expect(await rows.filter({ hasText: WEBHOOK.url }).textContent()).toMatch(
      /billing of acme.*active.*up to date/s,
    );
    expect(await watched.faults()).toEqual([]);
  });

  it('makes one, says at the field what is wrong, and shows the secret once', async () => {
    await open('webhooks');
    const detail = 'takes an http or https URL';
    const problem = { status: 422, title: 'No', errors: [{ pointer: '/url', detail }] };
    await page.route(
      `${service.url}/webhooks`,
      (route) => route.fulfill({ status: 422, contentType: 'application/problem+json', json: problem }),
      { times: 1 },
    );
    await press('Create a webhook');
    await press('Create');
    await page.getByText(detail).waitFor();
    expect(await page.locator(':focus').getAttribute('aria-invalid')).toBe('true');
    expect(await watched.faults()).toEqual([]);
    await page.getByLabel('URL').fill(WEBHOOK.url);
    await page.getByLabel('run.replied').uncheck();
    await page.getByLabel('Only runs with these labels').fill('tenant:acme city:New York');
    await press('Create');
    await page.getByText(SECRET).waitFor();
    const labels = { tenant: 'acme', city: 'New York' };
    expect(asked).toEqual([['POST /webhooks', { url: WEBHOOK.url, events: ['run.finished'], labels }]]);
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
    await page.getByRole('heading', { level: 1, name: WEBHOOK.url }).waitFor();
    expect(await page.getByText(SECRET).count()).toBe(0);
  });

  it('tests, pauses, rotates and, once that is confirmed, deletes one', async () => {
    await open(`webhooks/${WEBHOOK.id}`);
    await press('Send a test');
    await page.getByText('The test was not delivered: answered 503 in 187 ms').waitFor();
    await press('Pause');
    await press('Rotate the secret');
    await press('Rotate');
    await page.getByText(SECRET).waitFor();
    await page.keyboard.press('Escape');
    await press('Delete');
    await confirm(/all its deliveries/, 'Delete');
    await page.getByRole('heading', { level: 1, name: 'Webhooks' }).waitFor();
    const one = `/webhooks/${WEBHOOK.id}`;
    expect(asked).toEqual([
      [`POST ${one}/test`, null],
      [`PATCH ${one}`, { paused: true }],
      [`POST ${one}/rotate-secret`, { overlap: '24h' }],
      [`DELETE ${one}`, null],
    ]);
  });

  it('shows deliveries by status, what came of the last attempt and when the next is due, and redrives dead ones', async () => {
    await open(`webhooks/${WEBHOOK.id}`);
    const filtered = page.waitForRequest((request) => request.url().endsWith('/deliveries?status=dead'));
    await press('dead');
    await filtered;
    const table = page.getByRole('group', { name: 'Deliveries, the newest event first' });
    const row = table.getByRole('row').filter({ hasText: 'run.finished' });
    expect(await row.textContent()).toMatch(
      /42.*quote.*dead.*18.*answered 503 in 187 ms.*upstream connect error/s,
    );
    expect(await table.getByRole('row').filter({ hasText: 'run.replied' }).textContent()).toMatch(
      /waiting.*2.*23.*:00:00/s,
    );
    expect(await page.getByRole('link', { name: 'Older ones' }).getAttribute('href')).toMatch(
      /status=dead&cursor=older$/,
    );
    await row.getByText(REPORT.message!).click();
    expect(await watched.faults()).toEqual([]);
    await row.getByRole('button', { name: 'Redrive' }).click();
    await confirm('It is tried again.', 'Redrive');
    await page.getByText('1 sent on its way again').waitFor();
    await press('Redrive all dead');
    await confirm('All dead letters are tried again.', 'Redrive all dead');
    await page.getByText('3 sent on their way again').waitFor();
    expect(asked).toEqual([
      [`POST /webhooks/${WEBHOOK.id}/deliveries/42/redrive`, null],
      [`POST /webhooks/${WEBHOOK.id}/redrive`, {}],
    ]);
  });

  it('shows on a run what came of its own webhooks', async () => {
    const { runId } = await service.answer('quote');
    await page.route(`${service.url}/runs/${runId}`, async (route) => {
      const response = await route.fetch();
      const run = (await response.json()) as object;
      const webhooks = [{ url: WEBHOOK.url, events: WEBHOOK.events }];
      await route.fulfill({ response, json: { ...run, webhooks } });
    });
    await open(`runs/${runId}`);
    const part = page.locator('.panel-part', { hasText: 'Webhooks' });
    await part.getByText('2 attempts').waitFor();
    expect(await part.textContent()).toMatch(/hooks\.example\.com.*run\.replied.*waiting.*answered 503/s);
    expect(await watched.faults()).toEqual([]);
    await part.getByRole('link').click();
    await page.getByRole('heading', { level: 1, name: 'Webhooks of runs' }).waitFor();
    await page.getByRole('link', { name: 'Show all' }).waitFor();
  });

  it('aren’t shown to whoever lacks the scope', async () => {
    const entry = page.getByRole('navigation').getByRole('link', { name: 'Webhooks' });
    await open('runs');
    await entry.waitFor();
    const session = {
      keyNeeded: true,
      client: 'ada',
      scopes: ['runs:read'],
      until: '2126-11-24T00:00:00.000Z',
    };
    await page.route(`${service.url}/session`, (route) => route.fulfill({ json: session }));
    await page.reload();
    await page.locator('.who').waitFor();
    expect(await entry.count()).toBe(0);
  });
});
