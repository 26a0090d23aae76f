import type { NestExpressApplication } from '@nestjs/platform-express';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { Request } from 'express';
import { ConnectionMemory } from '../http/connection-memory.js';
import { linkBase, linkTo } from '../http/links.js';
import { compressed } from '../http/send-json.js';

const DOCUMENTATION = /^\/(docs|openapi\.json)\b/i;
/** What a file of it takes in memory until it is sent, roughly. */
const DOCUMENTATION_BYTES = 256 * 2 ** 10;

/** Shows the document at `/openapi.json`, and pages for it at `/docs`. */
export function showDocument(app: NestExpressApplication, document: OpenAPIObject): void {
  const express = app.getHttpAdapter().getInstance();
  const memory = app.get(ConnectionMemory);
  const base = linkBase(express);
  express.use(DOCUMENTATION, compressed, (_request, response, next) => {
    memory.hold(response, DOCUMENTATION_BYTES);
    next();
  });
  SwaggerModule.setup('docs', app, base === undefined ? document : at(base, document), {
    ...(base === undefined && { patchDocumentOnRequest: documentFor }),
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Frontrunner',
    // Each GET has one beside it.
    customCss: '.swagger-ui .opblock-head { display: none }',
  });
}

/** The document of a service that callers reach at `base`. */
function at(base: string, document: OpenAPIObject): OpenAPIObject {
  return { ...document, servers: [{ url: base || '/' }] };
}

function documentFor(request: unknown, _response: unknown, document: OpenAPIObject): OpenAPIObject {
  return at(linkTo(request as Request, ''), document);
}
