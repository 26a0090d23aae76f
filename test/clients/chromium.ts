import { createRequire } from 'node:module';

interface PackagedChromium {
  readonly executablePath: () => Promise<string>;
}

/** Where Chromium is, which is unpacked the first time. Who asks while it is being unpacked gets a file that is not whole. */
export async function chromiumPath(): Promise<string> {
  const installed = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const { default: chromium } = (await import(installed)) as { readonly default: PackagedChromium };
  return chromium.executablePath();
}
