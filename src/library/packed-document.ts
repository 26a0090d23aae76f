import { readFileSync } from 'node:fs';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { OpenAPIObject } from '@nestjs/swagger';
import { describeWithinHost } from './describe-within-host.js';

/** The OpenAPI document that is shipped in the package. Generating it would need `@nestjs/swagger` 12, and so Nest 12. */
export function packedDocument(): OpenAPIObject {
  const text = readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8');
  const document = JSON.parse(text) as OpenAPIObject;
  // Only the service has the demo and metrics: an application has its own.
  delete document.paths['/run-tasks'];
  delete document.paths['/metrics'];
  describeWithinHost(document);
  return document;
}

interface Pages {
  /** Paths of the pages; undefined for all possible ones. */
  readonly paths?: readonly string[];
  /** Mounts the pages. */
  readonly on?: (app: NestExpressApplication, document: OpenAPIObject, base: string) => void;
}

/** Shows the document: as Swagger UI, too, where `@nestjs/swagger` is installed. */
export async function packedPages(): Promise<Pages> {
  try {
    const { showDocument } = await import('../api/documentation.js');
    return { on: showDocument };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return { paths: ['/openapi.json'], on: showAlone };
  }
}

function showAlone(app: NestExpressApplication, document: OpenAPIObject, base: string): void {
  const express = app.getHttpAdapter().getInstance();
  express.get('/openapi.json', (_request, response) => {
    response.json({ ...document, servers: [{ url: base }] });
  });
}
