import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser } from 'playwright-core';

/** What `npm run test:slow` installs, beside the clients. */
const installed = createRequire(new URL('../clients/package.json', import.meta.url));

interface PackagedChromium {
  readonly args: readonly string[];
  executablePath(): Promise<string>;
}

/** A headless Chromium; whoever starts it closes it. */
export async function startBrowser(): Promise<Browser> {
  const path = pathToFileURL(installed.resolve('@sparticuz/chromium')).href;
  const { default: packaged } = (await import(path)) as { readonly default: PackagedChromium };
  return chromium.launch({
    // Its own arguments are for a cloud’s functions: they switch off what keeps pages apart, and isolate nothing.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--hide-scrollbars'],
    // Plots need a locale that there is, and a container may have none.
    env: { ...process.env, LANG: 'en_US.UTF-8', LANGUAGE: 'en_US' },
    executablePath: await packaged.executablePath(),
  });
}
