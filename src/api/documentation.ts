import type { NestExpressApplication } from '@nestjs/platform-express';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { ConnectionMemory } from '../http/connection-memory.js';
import { linkBase, linkTo } from '../http/links.js';
import { compressed } from '../http/send-json.js';
import { documentForPage } from './page-document.js';

const DOCUMENTATION = /^\/(docs|openapi\.json)\b/i;
/** Approximate memory of a file of the documentation until it is sent, in bytes. */
const DOCUMENTATION_BYTES = 256 * 2 ** 10;

/** So that phones show the page at its size; the template of `@nestjs/swagger` has no place for it. */
const VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">';

/** For narrow screens: long names and addresses break, and tables of parameters stand one cell below another. */
const STYLE = `@media (max-width: 640px) {
    .swagger-ui .wrapper { padding: 0 8px }
    .swagger-ui .opblock .opblock-summary { flex-wrap: wrap }
    .swagger-ui .opblock .opblock-summary-path { max-width: 100%; overflow-wrap: anywhere }
    .swagger-ui .opblock-description-wrapper, .swagger-ui .markdown, .swagger-ui td { overflow-wrap: anywhere }
    .swagger-ui table.parameters tr, .swagger-ui table.parameters td { display: block; width: 100% }
    .swagger-ui .parameters-col_description input, .swagger-ui .parameters-col_description select { max-width: 100% }
  }`;

/** Shows the document at `/openapi.json`, and pages for it at `/docs`. */
export function showDocument(app: NestExpressApplication, document: OpenAPIObject): void {
  const express = app.getHttpAdapter().getInstance();
  const memory = app.get(ConnectionMemory);
  const base = linkBase(express);
  express.use(DOCUMENTATION, compressed, (_request, response, next) => {
    memory.hold(response, DOCUMENTATION_BYTES);
    withViewport(response);
    next();
  });
  const show = (
    path: string,
    shown: () => OpenAPIObject,
    options: NonNullable<Parameters<typeof SwaggerModule.setup>[3]>,
  ) => {
    SwaggerModule.setup(path, app, base === undefined ? shown : () => at(base, shown()), {
      ...(base === undefined && { patchDocumentOnRequest: documentFor }),
      ...options,
    });
  };
  // The document for the page is made when somebody first opens the page, so that a start is quicker.
  show('docs', () => documentForPage(document), {
    raw: false,
    customSiteTitle: 'Frontrunner',
    customCss: STYLE,
  });
  show('openapi', () => document, { ui: false, jsonDocumentUrl: 'openapi.json', raw: ['json'] });
}

function withViewport(response: Response): void {
  const send = response.send.bind(response);
  response.send = (body: unknown) => {
    const isPage = typeof body === 'string' && response.get('Content-Type')?.startsWith('text/html');
    return send(isPage ? body.replace('<title>', `${VIEWPORT}<title>`) : body);
  };
}

/** The document of a service that callers reach at `base`. */
function at(base: string, document: OpenAPIObject): OpenAPIObject {
  return { ...document, servers: [{ url: base || '/' }] };
}

function documentFor(request: unknown, _response: unknown, document: OpenAPIObject): OpenAPIObject {
  return at(linkTo(request as Request, ''), document);
}
