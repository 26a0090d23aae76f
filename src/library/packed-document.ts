import { readFileSync } from 'node:fs';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { OpenAPIObject } from '@nestjs/swagger';
import { describeWithinHost } from './describe-within-host.js';

/** The OpenAPI document that comes with the package: making it would take `@nestjs/swagger` 12, and so Nest 12. */
export function packedDocument(): OpenAPIObject {
  const text = readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8');
  const document = JSON.parse(text) as OpenAPIObject;
  // The demo is the service’s alone.
  delete document.paths['/run-tasks'];
  describeWithinHost(document);
  return document;
}

/** Shows the document, and pages for it where `@nestjs/swagger` is installed. */
export async function showPacked(
  app: NestExpressApplication,
  document: OpenAPIObject,
  base: string,
): Promise<void> {
  const pages = await importPages();
  if (pages) {
    pages.showDocument(app, document);
    return;
  }
  const express = app.getHttpAdapter().getInstance();
  express.get('/openapi.json', (_request, response) => {
    response.json({ ...document, servers: [{ url: base }] });
  });
}

async function importPages() {
  try {
    return await import('../api/documentation.js');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
