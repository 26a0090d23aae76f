import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NestExpressApplication } from '@nestjs/platform-express';
import express, { type Response } from 'express';
import { ConnectionMemory } from '../http/connection-memory.js';
import { pathOf } from '../http/operations.js';
import { compressed } from '../http/send-json.js';

/** The page's own files: ES modules as browsers take them. */
const FILES = fileURLToPath(new URL('../../ui/', import.meta.url));
/** Approximate memory of a file until it is sent, in bytes. */
const FILE_BYTES = 64 * 2 ** 10;

/** Browsers ask each time whether a file has changed. With `no-store` they would load it each time. */
function revalidate(response: Response): void {
  response.setHeader('Cache-Control', 'no-cache');
}

/**
 * Serves the page at `/ui/`, and what it takes from packages below `/ui/vendor/`.
 *
 * @throws {Error} where one of its packages is not installed
 */
export function showPage(app: NestExpressApplication): void {
  const memory = app.get(ConnectionMemory);
  const vendors = readVendors();
  const router = app.getHttpAdapter().getInstance();
  router.use('/ui', (request, response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      next();
      return;
    }
    // Its files are named relative to /ui/. So is this, whatever proxies put in front of it.
    if (pathOf({ originalUrl: request.originalUrl, baseUrl: '' }) === request.baseUrl) {
      response.redirect('ui/');
      return;
    }
    memory.hold(response, FILE_BYTES);
    compressed(request, response, next);
  });
  for (const [file, { text, tag }] of vendors)
    router.get(`/ui/vendor/${file}`, (_request, response) => {
      revalidate(response);
      response.setHeader('ETag', tag).type(file).send(text);
    });
  router.use(
    '/ui',
    // Compressed answers have no ranges.
    express.static(FILES, {
      acceptRanges: false,
      cacheControl: false,
      redirect: false,
      setHeaders: revalidate,
    }),
  );
}

const { resolve } = createRequire(import.meta.url);
const beside = (name: string, file: string): string => join(dirname(resolve(name)), file);

/** The browser modules of the page's packages. */
const VENDORS: Readonly<Record<string, () => string>> = {
  'preact.js': () => resolve('preact'),
  'hooks.js': () => resolve('preact/hooks'),
  'htm.js': () => beside('htm', 'htm.module.js'),
  'uplot.js': () => beside('uplot', 'uPlot.iife.min.js'),
  'uplot.css': () => beside('uplot', 'uPlot.min.css'),
};

/** The files of packages, as modules that name others by their place: browsers know no names of packages. */
function readVendors() {
  return Object.entries(VENDORS).map(([file, find]) => {
    let text = readInstalled(find)
      .replaceAll('from"preact"', 'from"./preact.js"')
      .replace(/\/\/# sourceMappingURL=.*/, '');
    if (file === 'uplot.js') text += '\nexport default uPlot;\n';
    const tag = `W/"${createHash('sha256').update(text).digest('base64url')}"`;
    return [file, { text, tag }] as const;
  });
}

function readInstalled(find: () => string): string {
  try {
    return readFileSync(find(), 'utf8');
  } catch (cause) {
    throw new Error(
      'The page at /ui needs preact, htm and uplot, and one of them is not installed: npm i preact htm uplot',
      { cause },
    );
  }
}
