import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import { StreamableFile } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Express, Request as ExpressRequest, Response as ExpressResponse } from 'express';
import { Measures } from '../core/measures.js';
import { MemoryBudget } from '../core/memory-budget.js';
import { loggerOf } from '../core/logger-of.js';
import { CACHE_AN_HOUR } from './common-headers.js';
import { ConnectionMemory } from './connection-memory.js';
import { endConnections } from './ending-connections.js';
import { linkTo } from './links.js';
import { readAsOrigin } from './preconditions.js';
import { problem } from './problems.js';
import { Refusals } from './refusals.js';
import { RequestsAhead } from './requests-ahead.js';
import { sendJson } from './send-json.js';
import type { TimedRequests } from './timed-requests.js';

/** Longest wait for connections that are still busy when the service has stopped. */
const CLOSE_GRACE_MS = 2_000;

/** How often Node looks for requests that take too long: rarely enough to cost nothing. */
const CONNECTIONS_CHECK_MS = 1_000;
const logger = loggerOf('request');

/**
 * Nest's Express adapter, with requests and responses that have Express's prototypes from the beginning.
 *
 * Express gives every request and response another prototype (`Object.setPrototypeOf`), which makes V8 give up its
 * fast paths for Node's own HTTP code: three quarters of the CPU that a small request costs. Here the server
 * constructs both with Express's methods already on their prototypes, so Express's call changes nothing.
 * docs/adr/0004-requests-born-as-express-requests.md has the figures.
 */
export class FastExpressAdapter extends ExpressAdapter {
  private memory = new ConnectionMemory(new MemoryBudget(Infinity), new Measures());
  private requestsAhead = new RequestsAhead(this.memory);
  private responses: object = {};
  /** Default: nobody measures how long requests take. */
  timed: TimedRequests | undefined;
  /** Counts requests that no handler has answered. */
  refusals = new Refusals();

  override initHttpServer(): void {
    const app = this.getInstance<Express>();
    class Request extends IncomingMessage {}
    class Response extends ServerResponse {}
    graft(Request.prototype, app.request);
    graft(Response.prototype, app.response);
    Object.assign(app, { request: Request.prototype, response: Response.prototype });
    this.responses = Response.prototype;
    app.disable('etag').disable('x-powered-by').set('query parser', 'simple');
    this.httpServer = createServer(
      {
        IncomingMessage: Request,
        ServerResponse: Response,
        connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
        // protocol-errors.ts refuses requests without `Host`, with a problem document.
        requireHostHeader: false,
      },
      (request, response) => {
        this.receive(request, response);
      },
    );
  }

  /** Answers a request, of the adapter's own server or of another one, after the earlier requests of its connection. */
  receive(request: IncomingMessage, response: ServerResponse): void {
    if (response.socket === null)
      this.requestsAhead.hold(request, response, () => {
        this.handle(request, response);
      });
    else this.handle(request, response);
  }

  private handle(received: IncomingMessage, response: ServerResponse): void {
    const request = received as ExpressRequest;
    this.timed?.begin(response);
    readAsOrigin(request.headers);
    this.getInstance<Express>()(request, response as ExpressResponse, (error?: unknown) => {
      answerUnhandled(error, request, response, this.refusals);
    });
  }

  /** Sets where the memory of connections is counted. Default: without a bound. */
  countConnectionsIn(memory: ConnectionMemory): void {
    this.memory = memory;
    this.requestsAhead = new RequestsAhead(memory);
  }

  /** Writes JSON as Express would, without Express's detours, which cost a small request a tenth of its CPU. A stream that has begun is left alone. */
  override reply(response: ExpressResponse, body: unknown, statusCode?: number): unknown {
    if (response.headersSent) return response;
    if (typeof body !== 'object' || body === null || body instanceof StreamableFile)
      return super.reply(response, body, statusCode);
    const text = JSON.stringify(body);
    if (statusCode !== undefined) response.statusCode = statusCode;
    if (!response.hasHeader('Content-Type'))
      response.setHeader('Content-Type', 'application/json; charset=utf-8');
    sendJson(response, text, this.memory);
    return response;
  }

  /** Serves the files of the pages. They change only with the version of the service, so they may be cached. */
  override useStaticAssets(path: string, options: Parameters<ExpressAdapter['useStaticAssets']>[1]): this {
    const setHeaders = (response: ServerResponse): void => {
      response.setHeader('Cache-Control', CACHE_AN_HOUR);
    };
    super.useStaticAssets(path, { ...options, setHeaders });
    return this;
  }

  /** Called when a stop begins, before any provider is destroyed: runs that go on may need every provider. */
  beforeStop: () => Promise<void> = () => Promise.resolve();

  // eslint-disable-next-line @typescript-eslint/no-misused-promises -- declared void, but Nest awaits it
  override async beforeClose(): Promise<void> {
    await endConnections(this.getHttpServer(), this.responses, this.memory, this.beforeStop());
    super.beforeClose();
  }

  override close(): Promise<void> {
    const server = this.httpServer;
    setTimeout(() => {
      server.closeAllConnections();
    }, CLOSE_GRACE_MS).unref();
    return new Promise((resolve) =>
      server.close(() => {
        resolve();
      }),
    );
  }
}

/**
 * Answers requests that no handler has answered. Express calls no handler for an address that it can't read, such as `http://[`. Errors come
 * here when an error handler has thrown them. Express's own answers would be HTML pages, not problem documents.
 */
function answerUnhandled(
  error: unknown,
  request: ExpressRequest,
  response: ServerResponse,
  refusals: Refusals,
): void {
  if (error) logger.error(error);
  refusals.count(error ? 'internal-error' : 'bad-request', request);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const place = { base: linkTo(request, ''), path: request.url.split(/[?#]/, 1)[0] };
  const body = error
    ? problem('internal-error', 'Something went wrong; the log of the service says what', place)
    : problem('bad-request', 'The address can’t be read', place);
  response.statusCode = body.status;
  response.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
  response.end(JSON.stringify(body));
}

/** Copies to `prototype` what Express's prototype chain would add: the methods of all apps, then those of this app. */
function graft(prototype: object, expressPrototype: object): void {
  const shared = Object.getPrototypeOf(expressPrototype) as object;
  for (const source of [shared, expressPrototype]) {
    Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(source));
  }
}
