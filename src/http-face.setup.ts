import type { NestExpressApplication } from '@nestjs/platform-express';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { Express, RequestHandler } from 'express';
import { accessControl } from './access/access-control.js';
import type { Access } from './access/access.js';
import { FORMS } from './access/open-paths.js';
import { ScopeGuard } from './access/scope.guard.js';
import { Sessions } from './access/sessions.js';
import { StreamTokens } from './access/stream-tokens.js';
import { countRunsOfBatches } from './access/runs-of-batches.js';
import { refuseForeignPages, requireHost } from './access/web-pages.js';
import { CONFIG, type Config } from './config/config.js';
import { Measures } from './core/measures.js';
import { answerWithCommonHeaders } from './http/common-headers.js';
import { ConnectionMemory } from './http/connection-memory.js';
import { corsOptions } from './http/cors.js';
import type { FastExpressAdapter } from './http/express-adapter.js';
import { inTurn } from './http/in-turn.js';
import { countWhatWasRead, jsonBody } from './http/json-body.js';
import { linkTo, settleLinks } from './http/links.js';
import { answerOptions, requireAcceptable } from './http/negotiation.js';
import { Operations } from './http/operations.js';
import { ProblemFilter } from './http/problem.filter.js';
import { leadToRunPage } from './http/run-page.js';
import { requireProtocol } from './http/protocol-errors.js';
import { Refusals } from './http/refusals.js';
import { answerWithRequestId } from './http/request-context.js';
import { serverSpans } from './http/server-spans.js';
import { TimedRequests } from './http/timed-requests.js';
import { openAiErrorAt } from './openai/openai-error.js';
import { Telemetry } from './telemetry/telemetry.js';
import { EventFeed } from './feed/event-feed.js';
import { RunStreams } from './feed/run-streams.js';
import { Journal } from './run/journal.js';
import { stopRuns } from './stop-runs.js';
import { Tracing } from './tracing/tracing.js';

const DOCUMENTATION_PATHS = ['/docs', '/openapi.json'];
const EVERY_PATH = /(?:)/;
const BATCH_PATH = /^\/tasks\/[^/]+\/runs:batch\/?$/i;
/** Least bound of a batch's body, whatever MAX_INPUT_BYTES: 1,000 runs of 1 KiB. */
const MIN_BATCH_BYTES = 2 ** 20;

interface FaceOptions {
  /** The OpenAPI document, which lists all paths and what each takes. */
  readonly document: OpenAPIObject;
  /** Beginning of links where there is no PUBLIC_URL. Default: by the headers of proxies, or nothing. */
  readonly base?: string | undefined;
  /** Refuses callers. Default: only those that `access` refuses. */
  readonly refuse?: RequestHandler;
  /** The paths that show the document. Default: all of {@link DOCUMENTATION_PATHS}. */
  readonly pages?: readonly string[] | undefined;
  /** Whether `/ui` is shown. Browsers are led there from `/` and from the addresses of runs. Default true. */
  readonly hasPage?: boolean;
}

/** The HTTP face, whoever serves it: middleware, guards, filters. Needs no `@nestjs/swagger`. */
export function setUpFace(
  app: NestExpressApplication,
  adapter: FastExpressAdapter,
  access: Pick<Access, 'keys' | 'limit' | 'hosts'>,
  { document, base: ownBase, refuse, pages = DOCUMENTATION_PATHS, hasPage = true }: FaceOptions,
): void {
  const config = app.get<Config>(CONFIG);
  const root = hasPage ? '/ui/' : pages.find((path) => path === '/docs');
  const others = [...(root === undefined ? [] : ['/']), ...(hasPage ? ['/ui'] : [])];
  const operations = new Operations(document, [...pages, ...others], FORMS);
  const express = adapter.getInstance<Express>();
  const memory = app.get(ConnectionMemory);
  const sessions = app.get(Sessions);
  sessions.keys = access.keys;
  const maxInputBytes = config.MAX_INPUT_BYTES;
  const measures = app.get(Measures);
  const refusals = app.get(Refusals);
  adapter.countConnectionsIn(memory);
  adapter.refusals = refusals;
  app.get(Telemetry).states.push((tell) => {
    for (const [code, count] of refusals.counts) tell('frontrunner.requests.refused', count, code);
  });
  // An application around the instance measures its requests itself.
  if (ownBase === undefined) adapter.timed = new TimedRequests(measures, operations);
  const publicUrl = config.PUBLIC_URL;
  settleLinks(express, { publicUrl: publicUrl ?? ownBase ?? null, proxies: config.TRUSTED_PROXIES });
  const origins = config.CORS_ORIGINS;

  const tracing = app.get<Tracing | null>(Tracing);
  const setting = ownBase === undefined ? 'CORS_ORIGINS' : 'http.origins';

  // Each request goes through these in their order, then to the documentation or to a controller.
  const ownOrigins = publicUrl === null ? [] : [new URL(publicUrl).origin];
  express.use(
    inTurn(
      ...(tracing ? [serverSpans(tracing.spans, operations)] : []),
      answerWithRequestId,
      answerWithCommonHeaders,
      ...(refuse ? [refuse] : []),
      ...(access.hosts ? [requireHost(access.hosts)] : []),
    ),
  );
  if (origins.length > 0) app.enableCors(corsOptions(origins, operations.methods));
  express.use(
    inTurn(
      requireProtocol,
      ...(access.keys || access.limit ? [accessControl(access, app.get(StreamTokens), sessions)] : []),
      ...(origins === '*' ? [] : [refuseForeignPages(operations, [...origins, ...ownOrigins], setting)]),
      answerOptions(operations),
      ...(hasPage ? [leadToRunPage] : []),
      requireAcceptable(operations),
    ),
  );
  const maxBatchBytes = Math.max(maxInputBytes, MIN_BATCH_BYTES);
  express.post(BATCH_PATH, ...jsonBody(maxBatchBytes, operations, memory), countWhatWasRead(memory));
  if (access.limit) express.post(BATCH_PATH, countRunsOfBatches(access.limit));
  express.post(EVERY_PATH, ...jsonBody(maxInputBytes, operations, memory));
  express.patch(EVERY_PATH, ...jsonBody(maxInputBytes, operations, memory));

  if (root !== undefined)
    express.get('/', (request, response) => {
      response.redirect(linkTo(request, root));
    });
  if (access.keys) app.useGlobalGuards(new ScopeGuard(access.keys));
  const journal = app.get(Journal);
  app.useGlobalFilters(new ProblemFilter(operations, refusals, () => journal.now(), openAiErrorAt));
  adapter.beforeStop = async () => {
    app.get(EventFeed).stop();
    await stopRuns(app);
    app.get(RunStreams).stop();
  };
}
