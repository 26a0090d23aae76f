import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { EVENT_TYPES } from '../../src/core/event-types.js';
import { inlineTask } from '../support/inline-task.js';
import type { TestApp } from '../support/test-app.js';
import { WatchedPage } from '../support/watched-page.js';

describe('The screen of events in a browser', () => {
  let service: TestApp;
  let watched: WatchedPage;
  let page: Page;

  beforeAll(async () => {
    watched = await WatchedPage.serve({
      providers: [...inlineTask('fast', { hare: { run: () => 'won' }, tortoise: { run: () => 'too' } })],
    });
    ({ page, service } = watched);
    page.setDefaultTimeout(10_000);
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
  const events = () => page.getByRole('grid', { name: /^Events/ });
  const rowOf = (runId: string, type: string) =>
    events()
      .getByRole('row')
      .filter({ hasText: type })
      .filter({ hasText: runId.slice(-6) });

  it('begins with events of the past, adds those that come, and shows one with all that it says', async () => {
    const past = await run();
    await open('events');
    await rowOf(past, 'run.finished').waitFor();
    const fresh = await run();
    await rowOf(fresh, 'run.replied').click();
    const one = page.getByRole('region', { name: /^Event / });
    await one.getByText(fresh).waitFor();
    expect(await one.getByRole('link', { name: 'The run' }).getAttribute('href')).toBe(`#/runs/${fresh}`);
  });

  it('waits while it is paused, says how many events came, and goes on with them', async () => {
    await open('events');
    await page.getByRole('status').getByText('live').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    const later = await run();
    const more = page.getByRole('button', { name: /^\d+ more$/ });
    await more.waitFor();
    expect(await rowOf(later, 'run.finished').count()).toBe(0);
    await more.click();
    await rowOf(later, 'run.finished').waitFor();
  });

  it('pauses by itself when the reader leaves the top, and keeps what is shown bounded', async () => {
    await open('events');
    for (let round = 0; round < 20; round += 1) await run();
    await page.evaluate(`document.querySelector('.events-list .list-box').scrollTo(0, 300)`);
    await page.getByRole('status').getByText('paused').waitFor();
    expect(await events().getByRole('row').count()).toBeLessThan(60);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('status').getByText('live').waitFor();
  });

  it('keeps its filters in the address, and has one for each type of event', async () => {
    await open('events');
    await page.getByText('Types: all').click();
    expect(await page.getByRole('group', { name: 'Only events' }).getByRole('checkbox').count()).toBe(
      EVENT_TYPES.length,
    );
    for (const type of EVENT_TYPES) await page.getByLabel(type, { exact: true }).waitFor();
    await page.getByLabel('run.replied', { exact: true }).check();
    await page.getByLabel('run.replied', { exact: true }).press('Escape');
    await page.getByLabel('run.started', { exact: true }).waitFor({ state: 'hidden' });
    await page.getByLabel('Label').fill('tenant:acme');
    await page.getByLabel('Label').press('Enter');
    await page.waitForURL(/#\/events\?.*type=run.replied.*label=tenant%3Aacme/);
    const other = await run();
    const fitting = await run({ tenant: 'acme' });
    await rowOf(fitting, 'run.replied').waitFor();
    expect(await events().getByText(other.slice(-6)).count()).toBe(0);
    await open('events?type=run.nothing');
    await page.getByRole('alert').getByText('run.nothing').first().waitFor();
  });

  it('goes on behind the last event when the connection was away', async () => {
    await open('events?task=fast');
    const before = await run();
    await rowOf(before, 'run.finished').waitFor();
    await page.context().setOffline(true);
    const missed = await run();
    await page.context().setOffline(false);
    await rowOf(missed, 'run.finished').waitFor();
    expect(await rowOf(before, 'run.finished').count()).toBe(1);
  });

  it('is usable by everybody, on any screen, by day and by night', async () => {
    await open('events');
    await page.reload();
    await page.getByRole('row').nth(3).click();
    await page.getByRole('region', { name: /^Event / }).waitFor();
    expect(await watched.faults()).toEqual([]);
  });
});
