import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpException } from '@nestjs/common';
import type { Door } from './exchange.js';

interface Fastify {
  register(
    plugin: (scope: FastifyScope, options: object, done: () => void) => void,
    options: { prefix: string },
  ): void;
}
interface FastifyScope {
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    type: '*',
    parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): void;
  all(path: string, handler: (request: FastifyRequest, reply: FastifyReply) => void): void;
  setNotFoundHandler(handler: (request: FastifyRequest, reply: FastifyReply) => void): void;
  setErrorHandler(handler: (error: unknown, request: FastifyRequest, reply: FastifyReply) => void): void;
}
interface FastifyRequest {
  readonly raw: IncomingMessage & { originalUrl?: string; baseUrl?: string };
}
interface FastifyReply {
  readonly raw: ServerResponse;
  readonly sent: boolean;
  getHeaders(): Readonly<Record<string, number | string | string[] | undefined>>;
  hijack(): void;
}

/**
 * Prepares a Fastify server for a door. Fastify's body parsers are switched off below the path.
 *
 * @returns a function that makes the door take the requests below the path
 */
export function mountOnFastify(fastify: Fastify, base: string, door: Door): () => void {
  const take = ({ raw: request }: FastifyRequest, reply: FastifyReply): boolean => {
    if (reply.sent) return false;
    const { raw: response } = reply;
    reply.hijack();
    // The status of an error of Fastify's.
    response.statusCode = 200;
    // Fastify would send these headers only with an answer of its own.
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) response.setHeader(name, value);
    // As Express sets them below a path: `url` is the rest of the address, `originalUrl` the whole address, `baseUrl` the path.
    request.originalUrl = (request.url ?? '').replace(/^https?:\/\/[^/?]*/i, '');
    const own = pathUpTo(request.originalUrl, base.split('/').length - 1);
    request.url = request.originalUrl.slice(own.length).replace(/^(?!\/)/, '/');
    request.baseUrl = own;
    return true;
  };
  const enter = (request: FastifyRequest, reply: FastifyReply): void => {
    void door.enter({
      request: request.raw,
      response: reply.raw,
      seenRequest: request,
      seenResponse: reply,
      takeOver: () => take(request, reply),
    });
  };
  return () => {
    fastify.register(
      (scope, _options, done) => {
        scope.removeAllContentTypeParsers();
        // The answering application reads the body.
        scope.addContentTypeParser('*', (_request, _payload, parsed) => {
          parsed(null);
        });
        scope.all('/', enter);
        scope.all('/*', enter);
        // Takes methods for which Fastify has no routes.
        scope.setNotFoundHandler(enter);
        scope.setErrorHandler((error, request, reply) => {
          // The answering application says better what is wrong with the type.
          if ((error as { code?: unknown }).code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') enter(request, reply);
          else if (take(request, reply)) door.refuse(request.raw, reply.raw, asHttp(error));
        });
        done();
      },
      { prefix: base },
    );
  };
}

/** The first steps of an address, as the client wrote them: Fastify treats `/%66r` as `/fr`. */
function pathUpTo(address: string, steps: number): string {
  return new RegExp(`^(/[^/?]*){${steps}}`).exec(address)?.[0] ?? '';
}

/** An error below 500, by which Fastify or a hook of the host refuses a request, as an `HttpException`. Others stay as they are. */
function asHttp(error: unknown): unknown {
  const { statusCode, message } = error as { statusCode?: unknown; message?: unknown };
  return error instanceof HttpException || typeof statusCode !== 'number' || statusCode >= 500
    ? error
    : new HttpException(String(message), statusCode, { cause: error });
}
