import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { ControlledTask } from '../support/controlled-task.js';
import { PushedStream } from '../support/pushed-stream.js';
import type { TestApp } from '../support/test-app.js';
import { WatchedPage } from '../support/watched-page.js';

describe('Streams on the page in a browser', () => {
  const stream = { idle: '1h' } as const;
  const chat = new ControlledTask(
    'chat',
    { north: { stream }, south: { stream }, spare: { start: 'after-failure', stream } },
    { onBreak: 'restart' },
  );
  const frail = new ControlledTask('frail', { only: { stream } });
  let service: TestApp;
  let watched: WatchedPage;
  let page: Page;
  let runId: string;

  beforeAll(async () => {
    watched = await WatchedPage.serve({ providers: [...chat.providers, ...frail.providers] });
    ({ page, service } = watched);
    page.setDefaultTimeout(10_000);
  });
  afterAll(async () => {
    expect(watched.complaints).toEqual([]);
    await watched.close();
  });

  const open = (place: string) => page.goto(`${service.url}/ui/#/${place}`);
  const shown = () => page.getByRole('region', { name: 'What callers are shown' });

  it('shows what callers see as it comes, void at a restart, and gone with the reply', async () => {
    const answer = service.answer('chat');
    const { north, south } = {
      north: await chat.next('north'),
      south: await chat.next('south'),
    };
    ({ runId } = north.context);
    const [first, second, third] = [new PushedStream(), new PushedStream(), new PushedStream()];
    south.context.tokens = 4;
    south.succeed(second.push(''));
    north.succeed(first.push('Once '));
    await open(`runs/${runId}`);
    await shown().getByText('Once', { exact: true }).waitFor();
    expect(await shown().getByRole('heading').textContent()).toMatch(/north\s+streams\s+1 chunk$/);
    first.push('upon', ' a time');
    await shown().getByText('Once upon a time', { exact: true }).waitFor();
    await page.getByText('3 chunks').first().waitFor();

    first.fail(new Error('cut'));
    await shown().getByText('broke off').waitFor();
    (await chat.next('spare')).succeed(third.push('Hello', { there: 1 }));
    await shown().getByText('Hello{"there":1}', { exact: true }).waitFor();
    expect(await shown().getByRole('heading').textContent()).toMatch(/spare\s+streams\s+2 chunks$/);
    expect(await watched.faults()).toEqual([]);

    third.end();
    await answer;
    await page.getByText('answered by spare').waitFor();
    expect(await shown().count()).toBe(0);
    await service.finishedRun(runId);
  });

  it('shows what callers saw of a stream that broke off, where none takes its place', async () => {
    const answer = service.run('frail');
    const only = await frail.next('only');
    const stream = new PushedStream();
    only.succeed(stream.push('Half a'));
    await open(`runs/${only.context.runId}`);
    await shown().getByText('Half a', { exact: true }).waitFor();
    stream.fail(new Error('cut'));
    await answer;
    await page.getByText('the reply is an error after').waitFor();
    expect(await shown().textContent()).toMatch(/only\s+broke off\s+1 chunk\s*Half a/);
  });

  it('marks the first chunk in the race, and says what each attempt had', async () => {
    await open(`runs/${runId}`);
    await page.getByText('answered by spare').waitFor();
    const bar = (name: string) => page.getByRole('button', { name: new RegExp(`^${name}, attempt 1`) });
    expect(await bar('north').getAttribute('aria-label')).toMatch(/3 chunks, 16 B, the first at \+\d/);
    expect(await bar('south').getAttribute('aria-label')).toMatch(/1 chunk, 0 B, 4 tokens/);
    expect(await bar('north').locator('.race-chunk').count()).toBe(1);
    expect(await bar('south').locator('.race-chunk').count()).toBe(0);
    await page.getByText('first chunk', { exact: true }).waitFor();
    await page.getByText('The race as a table').click();
    const table = page.getByRole('region', { name: 'The race as a table' }).getByRole('table');
    expect(await table.getByRole('row', { name: /^south/ }).textContent()).toMatch(/1 chunk, 0 B, 4 tokens$/);
    await bar('south').click();
    await page.getByRole('complementary', { name: 'Sub-task south' }).getByText('4 tokens').waitFor();
    expect(await watched.faults()).toEqual([]);
  });

  it('shows of a task how soon streams begin, and what was cut off', async () => {
    await open('tasks/chat');
    const card = page.getByRole('region', { name: 'How soon streams begin, and what was cut off' });
    await card.getByText('1 cancelled stream with 1 chunk and 4 tokens').waitFor();
    const rows = await card.getByRole('row').allTextContents();
    expect(rows.map((row) => row.replaceAll(/\s+/g, ' '))).toEqual([
      expect.stringContaining('sub-task'),
      expect.stringMatching(/north ?0 ?0 ?0 B ?0 ?1 ?3 ?16 B ?0/),
      expect.stringMatching(/south ?1 ?1 ?0 B ?4 ?0 ?0 ?0 B ?0/),
      expect.stringMatching(/spare/),
    ]);
    expect(await card.getByRole('listitem').first().textContent()).toMatch(/^callers.*ms/s);
    expect(await watched.faults()).toEqual([]);
  });

  it('lists chunks shortened', async () => {
    const answer = service.answer('chat');
    const long = new PushedStream().push('x'.repeat(200)).end();
    (await chat.next('north')).succeed(long);
    await answer;
    await open('events?type=sub-task.streamed');
    await page.getByText(`chunk 0: ${'x'.repeat(80)}…`, { exact: true }).waitFor();
    await page.getByText('chunk 0: Once', { exact: true }).waitFor();
    await page.getByText('chunk 0: Hello', { exact: true }).waitFor();
    await page.getByText('chunk 1: {"there":1}', { exact: true }).waitFor();
  });
});
