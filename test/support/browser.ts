import { afterAll } from '@jest/globals';
import { chromium, type Browser } from 'playwright-core';
import { chromiumPath } from '../clients/chromium.ts';

let browser: Promise<Browser> | undefined;

afterAll(async () => {
  await (await browser)?.close();
});

/** The headless Chromium of a suite, which closes when the suite is over; each page is closed by who opens it. */
export function sharedBrowser(): Promise<Browser> {
  return (browser ??= start());
}

async function start(): Promise<Browser> {
  return chromium.launch({
    // Its own arguments are for a cloud’s functions: they switch off what keeps pages apart, and isolate nothing.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--hide-scrollbars'],
    // Plots need a locale that there is, and a container may have none.
    env: { ...process.env, LANG: 'en_US.UTF-8', LANGUAGE: 'en_US' },
    executablePath: await chromiumPath(),
  });
}
