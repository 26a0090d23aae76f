import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Express } from 'express';
import type { Access } from './access/access.js';
import { showDocument } from './api/documentation.js';
import { createOpenApiDocument } from './api/openapi.js';
import { CONFIG, type Config } from './config/config.js';
import { boundConnections } from './http/connection-bounds.js';
import type { FastExpressAdapter } from './http/express-adapter.js';
import { linkBase } from './http/links.js';
import { answerHalfClosed, answerProtocolErrors } from './http/protocol-errors.js';
import { Refusals } from './http/refusals.js';
import { setUpFace } from './http-face.setup.js';
import { showPage } from './ui/show-page.js';

/**
 * What the service and its e2e tests share: its server, its HTTP face, the stop.
 *
 * @param document describes the service. Default: made of its controllers
 */
export function setUp(
  app: NestExpressApplication,
  adapter: FastExpressAdapter,
  access: Access,
  document = createOpenApiDocument(app),
): void {
  setUpFace(app, adapter, access, { document });
  showDocument(app, document);
  showPage(app);
  const { MAX_CONNECTIONS, MAX_INPUT_BYTES, KEEP_ALIVE_TIMEOUT } = app.get<Config>(CONFIG);
  const base = linkBase(adapter.getInstance<Express>());
  const refusals = app.get(Refusals);
  boundConnections(adapter.getHttpServer(), {
    maxConnections: MAX_CONNECTIONS,
    maxInputBytes: MAX_INPUT_BYTES,
    keepAliveMs: KEEP_ALIVE_TIMEOUT,
    base,
    refusals,
  });
  answerProtocolErrors(adapter.getHttpServer(), base, refusals);
  answerHalfClosed(adapter.getHttpServer());
}
