import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NestExpressApplication } from '@nestjs/platform-express';
import express, { type Response } from 'express';
import { ConnectionMemory } from '../http/connection-memory.js';
import { linkTo } from '../http/links.js';
import { pathOf } from '../http/operations.js';
import { compressed } from '../http/send-json.js';

/** The page's own files: ES modules as browsers take them. */
const FILES = fileURLToPath(new URL('../../ui/', import.meta.url));
/** What a file takes in memory until it is sent, roughly. */
const FILE_BYTES = 64 * 2 ** 10;

/** A browser asks each time whether a file has changed: `no-store` would have it sent each time. */
function revalidate(response: Response): void {
  response.setHeader('Cache-Control', 'no-cache');
}

/** Serves the page at `/ui/`, and what it takes from packages below `/ui/vendor/`. */
export function showPage(app: NestExpressApplication): void {
  const memory = app.get(ConnectionMemory);
  const router = app.getHttpAdapter().getInstance();
  router.use('/ui', (request, response, next) => {
    // Its files are named relative to /ui/.
    if (pathOf({ originalUrl: request.originalUrl, baseUrl: '' }).endsWith('/ui')) {
      response.redirect(linkTo(request, '/ui/'));
      return;
    }
    memory.hold(response, FILE_BYTES);
    compressed(request, response, next);
  });
  router.get('/ui/vendor/:file', (request, response, next) => {
    const { file } = request.params;
    const text = vendorFile(file);
    if (text === undefined) {
      next();
      return;
    }
    revalidate(response);
    response.type(file).send(text);
  });
  router.use('/ui', express.static(FILES, { cacheControl: false, redirect: false, setHeaders: revalidate }));
}

const resolve = createRequire(import.meta.url).resolve;
const beside = (name: string, file: string): string => join(dirname(resolve(name)), file);

/** Where the page's packages have what browsers take. */
const VENDORS: Readonly<Record<string, () => string>> = {
  'preact.js': () => resolve('preact'),
  'hooks.js': () => resolve('preact/hooks'),
  'htm.js': () => beside('htm', 'htm.module.js'),
  'uplot.js': () => beside('uplot', 'uPlot.iife.min.js'),
  'uplot.css': () => beside('uplot', 'uPlot.min.css'),
};
const read = new Map<string, string>();

/** A file of a package, as a module that names others by their place: browsers know no names of packages. */
function vendorFile(name: string): string | undefined {
  const find = Object.hasOwn(VENDORS, name) ? VENDORS[name] : undefined;
  if (!find) return undefined;
  let text = read.get(name);
  if (text === undefined) {
    text = readFileSync(find(), 'utf8')
      .replaceAll('from"preact"', 'from"./preact.js"')
      .replace(/\/\/# sourceMappingURL=.*/, '');
    if (name === 'uplot.js') text += '\nexport default uPlot;\n';
    read.set(name, text);
  }
  return text;
}
