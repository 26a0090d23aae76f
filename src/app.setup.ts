import type { NestExpressApplication } from '@nestjs/platform-express';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { Express, Request } from 'express';
import { accessControl } from './access/access-control.js';
import type { Access } from './access/access.js';
import { ScopeGuard } from './access/scope.guard.js';
import { StreamTokens } from './access/stream-tokens.js';
import { countRunsOfBatches } from './access/runs-of-batches.js';
import { refuseForeignPages, requireHost } from './access/web-pages.js';
import { CONFIG, type Config } from './config/config.js';
import { answerWithCommonHeaders } from './http/common-headers.js';
import { boundConnections } from './http/connection-bounds.js';
import { ConnectionMemory } from './http/connection-memory.js';
import { corsOptions } from './http/cors.js';
import type { FastExpressAdapter } from './http/express-adapter.js';
import { inTurn } from './http/in-turn.js';
import { countWhatWasRead, jsonBody } from './http/json-body.js';
import { linkBase, linkTo, settleLinks } from './http/links.js';
import { answerOptions, requireAcceptable } from './http/negotiation.js';
import { createOpenApiDocument } from './api/openapi.js';
import { Operations } from './http/operations.js';
import { ProblemFilter } from './http/problem.filter.js';
import { answerHalfClosed, answerProtocolErrors, requireProtocol } from './http/protocol-errors.js';
import { answerWithRequestId } from './http/request-context.js';
import { compressed } from './http/send-json.js';
import { EventFeed } from './feed/event-feed.js';
import { stopRuns } from './stop-runs.js';

const EVERY_PATH = /(?:)/;
const BATCH_PATH = /^\/tasks\/[^/]+\/runs:batch\/?$/i;
/** What the body of a batch may have where MAX_INPUT_BYTES is less: 1,000 runs of 1 KiB. */
const MIN_BATCH_BYTES = 2 ** 20;
const DOCUMENTATION = /^\/(docs|openapi\.json)\b/i;
/** What a file of it takes in memory until it is sent, roughly. */
const DOCUMENTATION_BYTES = 256 * 2 ** 10;

/**
 * What the service and its e2e tests share: its server, its HTTP face, the stop.
 *
 * @param document describes the service. Default: made of its controllers
 */
export function setUp(
  app: NestExpressApplication,
  adapter: FastExpressAdapter,
  access: Access,
  document?: OpenAPIObject,
): void {
  setUpFace(app, adapter, access, { ...(document && { document }) });
  const { MAX_CONNECTIONS, MAX_INPUT_BYTES, KEEP_ALIVE_TIMEOUT } = app.get<Config>(CONFIG);
  const base = linkBase(adapter.getInstance<Express>());
  boundConnections(adapter.getHttpServer(), {
    maxConnections: MAX_CONNECTIONS,
    maxInputBytes: MAX_INPUT_BYTES,
    keepAliveMs: KEEP_ALIVE_TIMEOUT,
    base,
  });
  answerProtocolErrors(adapter.getHttpServer(), base);
  answerHalfClosed(adapter.getHttpServer());
}

interface FaceOptions {
  /** Describes it. Default: made of the controllers. */
  readonly document?: OpenAPIObject;
  /** What links begin with where there is no PUBLIC_URL. Default: what proxies say, or nothing. */
  readonly base?: string | undefined;
  /** Whether it shows the document, and pages for it. Default true. */
  readonly showsDocument?: boolean | undefined;
}

/** The HTTP face, whoever serves it: middleware, pipes, filters, documentation. */
export function setUpFace(
  app: NestExpressApplication,
  adapter: FastExpressAdapter,
  access: Pick<Access, 'keys' | 'limit' | 'hosts'>,
  { document = createOpenApiDocument(app), base: ownBase, showsDocument = true }: FaceOptions,
): void {
  const config = app.get<Config>(CONFIG);
  const operations = new Operations(document);
  const express = adapter.getInstance<Express>();
  const memory = app.get(ConnectionMemory);
  const maxInputBytes = config.MAX_INPUT_BYTES;
  adapter.countConnectionsIn(memory);
  const publicUrl = config.PUBLIC_URL;
  settleLinks(express, { publicUrl: publicUrl ?? ownBase ?? null, proxies: config.TRUSTED_PROXIES });
  const base = linkBase(express);
  const origins = config.CORS_ORIGINS;

  // Each request goes through these in their order, then to the documentation or to a controller.
  const ownOrigins = publicUrl === null ? [] : [new URL(publicUrl).origin];
  express.use(
    inTurn(
      answerWithRequestId,
      answerWithCommonHeaders,
      ...(access.hosts ? [requireHost(access.hosts)] : []),
    ),
  );
  if (origins.length > 0) app.enableCors(corsOptions(origins, operations.methods));
  express.use(
    inTurn(
      requireProtocol,
      ...(access.keys || access.limit ? [accessControl(access, app.get(StreamTokens))] : []),
      ...(origins === '*' ? [] : [refuseForeignPages(operations, [...origins, ...ownOrigins])]),
      answerOptions(operations),
      requireAcceptable(operations),
    ),
  );
  const maxBatchBytes = Math.max(maxInputBytes, MIN_BATCH_BYTES);
  express.post(BATCH_PATH, ...jsonBody(maxBatchBytes, operations, memory), countWhatWasRead(memory));
  if (access.limit) express.post(BATCH_PATH, countRunsOfBatches(access.limit));
  express.post(EVERY_PATH, ...jsonBody(maxInputBytes, operations, memory));

  if (access.keys) app.useGlobalGuards(new ScopeGuard(access.keys));
  app.useGlobalFilters(new ProblemFilter(operations));
  adapter.beforeStop = async () => {
    app.get(EventFeed).stop();
    await stopRuns(app);
  };
  if (!showsDocument) return;
  express.get('/', (request, response) => {
    response.redirect(linkTo(request, '/docs'));
  });
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
