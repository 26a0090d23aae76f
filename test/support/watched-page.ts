import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { sharedBrowser } from './browser.js';
import { TestApp } from './test-app.js';

const installed = createRequire(new URL('../clients/package.json', import.meta.url));
const axe = (): string => readFileSync(installed.resolve('axe-core/axe.min.js'), 'utf8');

/** The page of a service in a browser, and what it did that it should not. */
export class WatchedPage {
  /** Errors in its console, those that it threw, and its requests to elsewhere. */
  readonly complaints: string[] = [];

  private constructor(
    readonly service: TestApp,
    readonly browser: Browser,
    readonly page: Page,
  ) {
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      // A refusal that a test asked for is an error to the browser.
      const isRefusal = /^Failed to load resource|ERR_/.test(message.text());
      if (message.type() === 'error' && !isRefusal) this.complaints.push(message.text());
    });
    page.on('request', (request) => {
      const { hostname, protocol } = new URL(request.url());
      if (protocol !== 'data:' && hostname !== '127.0.0.1')
        this.complaints.push(`asked for ${request.url()}`);
    });
  }

  /** @param options of the service */
  static async serve(options: Parameters<typeof TestApp.start>[0]): Promise<WatchedPage> {
    const service = await TestApp.start({ amongOthers: true, ...options });
    const browser = await sharedBrowser();
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    return new WatchedPage(service, browser, page);
  }

  async close(): Promise<void> {
    await this.page.close();
    await this.service.close();
  }

  /** What axe finds, and where it scrolls sideways: in both schemes, on a phone and on a desk. */
  async faults(): Promise<string[]> {
    const faults: string[] = [];
    await this.page.evaluate(axe());
    for (const width of [390, 1280])
      for (const colorScheme of ['light', 'dark'] as const) {
        await this.page.setViewportSize({ width, height: 800 });
        await this.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        const found = await this.page.evaluate<string[]>(
          `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html + nodes[0].failureSummary))`,
        );
        const isTooWide = await this.page.evaluate('document.documentElement.scrollWidth > innerWidth');
        faults.push(
          ...found.map((fault) => `${width} ${colorScheme} ${fault}`),
          ...(isTooWide === true ? [`${width} scrolls sideways`] : []),
        );
      }
    await this.page.setViewportSize({ width: 1280, height: 800 });
    await this.page.emulateMedia({ colorScheme: 'light', reducedMotion: null });
    return faults;
  }
}
