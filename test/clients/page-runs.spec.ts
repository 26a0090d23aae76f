import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import type { Page } from 'playwright-core';
import { inputSchema } from '../../src/tasks-file/input-schema.js';
import { ControlledTask } from '../support/controlled-task.js';
import { inlineTask } from '../support/inline-task.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import type { TestApp } from '../support/test-app.js';
import { WatchedPage } from '../support/watched-page.js';

const order = inputSchema({
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'integer' },
    express: { type: 'boolean' },
    items: { type: 'array', items: { $ref: '#/$defs/item' } },
  },
  $defs: {
    item: {
      type: 'object',
      required: ['name', 'count'],
      properties: { name: { type: 'string', maxLength: 5 }, count: { type: 'number' } },
    },
  },
}).zodSchema!;

describe('The page’s runs in a browser', () => {
  const race = new ControlledTask(
    'race',
    { swift: {}, steady: { retry: { attempts: 2, delay: '1ms' } }, spare: { start: { after: '1h' } } },
    { input: order },
  );
  const wide = Object.fromEntries(
    Array.from({ length: 100 }, (_, index) => [`part-${index}`, { run: () => index }]),
  );
  let service: TestApp;
  let watched: WatchedPage;
  let page: Page;

  const bar = (text: string) => page.locator(`[aria-label^="${text}"]`);
  const start = async (task = 'race', request: object = { input: { id: 1 } }): Promise<string> => {
    const response = await service.http
      .post(`/tasks/${task}/runs`)
      .set('Prefer', 'respond-async')
      .send(request);
    return (response.body as { id: string }).id;
  };
  const open = (place: string, base = service.url) => page.goto(`${base}/ui/#/${place}`);

  const expectOther = async (read: () => Promise<unknown>, before: unknown): Promise<void> => {
    while ((await read()) === before) await page.evaluate('new Promise(requestAnimationFrame)');
  };

  beforeAll(async () => {
    watched = await WatchedPage.serve({
      providers: [...race.providers, ...inlineTask('wide', wide, { reply: { policy: 'all' } })],
    });
    ({ page, service } = watched);
  });

  afterAll(async () => {
    await watched.close();
    expect(watched.complaints).toEqual([]);
  });

  it('starts a run by keys alone, with digits as they were typed, and leads to its race', async () => {
    await open('runs');
    const { keyboard } = page;
    const tabTo = async (name: string): Promise<void> => {
      const reached = `(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim().startsWith('${name}')`;
      for (let times = 0; times < 40 && !(await page.evaluate(reached)); times += 1)
        await keyboard.press('Tab');
    };
    await page.locator('option', { hasText: 'race' }).first().waitFor({ state: 'attached' });
    await tabTo('Start a run');
    await keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await keyboard.type('race');
    await tabTo('id');
    await keyboard.type('9007199254740993');
    await keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'race' }).waitFor();
    await page.getByText('9007199254740993').waitFor();

    (await race.next('swift')).succeed('ok');
    (await race.next('steady')).succeed();
    await page.getByText('answered by swift').waitFor();
  });

  it('says at its field what is wrong with an input', async () => {
    await open('runs?start=race');
    const dialog = page.getByRole('dialog');
    const submit = dialog.getByRole('button', { name: 'Start', exact: true });
    await dialog.getByRole('textbox', { name: /^id/ }).fill('1.5');
    await submit.click();
    await dialog.getByText('takes a whole number').waitFor();
    await dialog.getByRole('textbox', { name: /^id/ }).fill('7');
    await dialog.getByRole('button', { name: 'Add to items' }).click();
    await dialog.getByRole('textbox', { name: /^name/ }).fill('far too long');
    await dialog.getByRole('textbox', { name: /^count/ }).fill('2');
    await submit.click();
    const wrong = dialog.locator('[aria-invalid=true]');
    await wrong.waitFor();

    expect(await wrong.inputValue()).toBe('far too long');
    expect(await watched.faults()).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  it('shows attempts as they begin and end, why, and the reply', async () => {
    const id = await start('race', { input: { id: 2 }, labels: { tenant: 'acme' } });
    await open(`runs/${id}`);
    const steady = await race.next('steady');
    const swift = await race.next('swift');
    await bar('steady, attempt 1: running').waitFor();
    await bar('spare: not started yet').waitFor();
    swift.context.progress({ percent: 40 });
    await page.getByText('40 %').waitFor();
    steady.fail(new Error('no luck'));
    await bar('steady, attempt 1: failed').waitFor();
    await bar('steady, attempt 2: running').waitFor();
    swift.succeed({ price: 12 });
    await page.getByRole('img', { name: /^replied/ }).waitFor();
    await page.getByText('in the background: steady').waitFor();
    await bar('spare: skipped').waitFor();
    expect(await watched.faults()).toEqual([]);

    await bar('swift, attempt 1: succeeded').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const panel = page.getByRole('complementary', { name: 'Sub-task steady' });
    await panel.getByText('no luck').first().waitFor();
    (await race.next('steady')).fail(new Error('none at all'));
    await page.getByText('all ended after').waitFor();
    await page.getByText('The race as a table').click();
    expect(await page.getByRole('row', { name: /^steady failed 2/ }).count()).toBe(1);

    await panel.getByRole('button', { name: 'Retry' }).click();
    const third = bar('steady, attempt 3: running');
    const told = await third.getAttribute('aria-label');
    // It grows while it runs.
    await expectOther(() => third.getAttribute('aria-label'), told);
    (await race.next('steady')).succeed();
    await bar('steady, attempt 3: succeeded').waitFor();
    expect(await page.getByRole('status').filter({ hasText: 'reconnecting' }).count()).toBe(0);
  });

  it('cancels a run when asked twice, and copies it as a command', async () => {
    const id = await start('race', { input: { id: 3 } });
    await open(`runs/${id}`);
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    const command = await page.getByRole('dialog').locator('pre').textContent();
    expect(command).toContain(`curl '${service.url}/tasks/race/runs'`);
    expect(command).toContain('"input":{"id":3}');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Cancel the run' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the run' }).click();
    await bar('swift, attempt 1: cancelled').waitFor();
    await page.getByText('the reply is an error after').waitFor();
    await race.next('swift');
    await race.next('steady');
  });

  it('goes on where it was when the connection breaks', async () => {
    const proxy = await TcpProxy.start(service.url);
    try {
      const id = await start();
      await open(`runs/${id}`, proxy.url(service.url).replace(/\/$/, ''));
      const swift = await race.next('swift');
      const steady = await race.next('steady');
      await bar('swift, attempt 1: running').waitFor();
      // Whatever stands before the service may say that it is away.
      await page.route(`**/runs/${id}`, (route) => route.fulfill({ status: 502, body: 'Bad gateway' }));
      const told = page.waitForResponse((response) => response.status() === 502);
      await proxy.cut();
      await told;
      await page.getByText('reconnecting…').waitFor();
      swift.succeed();
      await service.event(id, 'run.replied');
      const again = new Promise((resolve) => {
        service.server.on('request', ({ headers }: IncomingMessage) => {
          if (headers['last-event-id'] !== undefined) resolve(undefined);
        });
      });
      await proxy.heal();
      await again;
      await page.getByText('answered by swift').waitFor();
      await page.getByText('reconnecting…').waitFor({ state: 'detached' });
      steady.succeed();
      await page.getByText('all ended after').waitFor();
      expect(await page.getByRole('alert').count()).toBe(0);
    } finally {
      await page.unrouteAll();
      await open('runs');
      await proxy.close();
    }
  });

  it('says that a run is set aside, and lets it go on', async () => {
    const id = await start();
    const asked: string[] = [];
    await page.route(`${service.url}/runs/${id}`, async (route) => {
      const response = await route.fetch();
      const run = (await response.json()) as object;
      await route.fulfill({ response, json: { ...run, status: asked.length > 0 ? 'running' : 'set-aside' } });
    });
    await page.route(`${service.url}/runs/${id}/resume`, (route) => {
      asked.push(route.request().method());
      return route.fulfill({ json: {} });
    });
    await open(`runs/${id}`);
    await bar('swift, attempt 1: running').waitFor();
    await page.getByText('The service has set this run aside').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('The service has set this run aside').waitFor({ state: 'detached' });
    (await race.next('swift')).succeed();
    (await race.next('steady')).succeed();
    await page.getByText('all ended after').waitFor();

    expect(asked).toEqual(['POST']);
  });

  it('says which sub-task waits among the dead letters, until it goes on', async () => {
    const id = await start();
    await page.route(`${service.url}/runs/${id}`, async (route) => {
      const response = await route.fetch();
      const run = (await response.json()) as { subTasks: { name: string }[] };
      const subTasks = run.subTasks.map((one) => (one.name === 'swift' ? { ...one, deadLetter: true } : one));
      await route.fulfill({ response, json: { ...run, subTasks } });
    });
    await open(`runs/${id}`);
    const note = page.getByText('swift waits among the dead letters');
    await note.waitFor();
    expect(await note.getByRole('link').getAttribute('href')).toBe('#/nodes');
    (await race.next('swift')).succeed();
    await note.waitFor({ state: 'detached' });
    (await race.next('steady')).succeed();
    await page.getByText('all ended after').waitFor();
  });

  it('says that there is no such run, and shows one with a hundred sub-tasks', async () => {
    await open('runs/019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b');
    await page.getByText('There is no run').waitFor();
    const { runId } = await service.answer('wide');
    await open(`runs/${runId}`);
    await page.getByText('all ended after').waitFor();
    expect(await page.locator('.race-target').count()).toBe(100);
  });
});
