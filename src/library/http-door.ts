import type { IncomingMessage, ServerResponse } from 'node:http';
import { UseGuards, type CanActivate } from '@nestjs/common';
import { ExternalContextCreator, HttpAdapterHost, ModuleRef } from '@nestjs/core';
import type { HttpOptions } from './options.js';

/** Answers a request; `refusal` is why the guards don't let it in. */
export type Handle = (request: IncomingMessage, response: ServerResponse, refusal?: unknown) => void;

/** Of the adapter of the application around, as far as it is known: Express and Fastify differ in all that matters here. */
interface Express {
  use(path: string, handler: (request: Parsed, response: ServerResponse, next: () => void) => void): void;
}
type Parsed = IncomingMessage & { body?: unknown; finished?: boolean };

interface Fastify {
  register(plugin: (scope: FastifyScope, options: object, done: () => void) => void): void;
}
interface FastifyScope {
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    type: '*',
    parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): void;
  all(path: string, handler: (request: FastifyRequest, reply: FastifyReply) => void): void;
}
interface FastifyRequest {
  readonly raw: IncomingMessage;
}
interface FastifyReply {
  readonly raw: ServerResponse;
  hijack(): void;
}

/** Hands requests below a path on to an instance, once the guards of the application have let them in. */
export class HttpDoor {
  /** Where it is, such as `/frontrunner`. */
  readonly base: string;
  private guarded: Promise<(...exchange: unknown[]) => Promise<unknown>> | undefined;
  private handle: Handle = (_request, response) => {
    response.writeHead(503, { 'Retry-After': '1' }).end();
  };

  constructor(
    private readonly options: HttpOptions,
    private readonly adapterHost: HttpAdapterHost,
    private readonly contexts: ExternalContextCreator,
    private readonly modules: ModuleRef,
  ) {
    this.base = `/${(options.path ?? 'frontrunner').replaceAll(/^\/|\/$/g, '')}`;
    // Before the application sets up its parsers of bodies, which would change numbers that a double can't hold.
    adapterHost.init$.subscribe(() => {
      if (this.isExpress) this.express.use(this.base, leaveBody);
    });
  }

  /** Says who answers. */
  lead(handle: Handle): void {
    this.handle = handle;
  }

  /** Begins to take requests: behind what the application has set up so far. */
  open(): void {
    if (this.isExpress)
      this.express.use(this.base, (request, response) => {
        delete request.finished;
        void this.enter(request, response, request, response);
      });
    else this.fastify.register(this.plugin);
  }

  private get isExpress(): boolean {
    return this.adapterHost.httpAdapter.getType() === 'express';
  }

  private get express(): Express {
    return this.adapterHost.httpAdapter;
  }

  private get fastify(): Fastify {
    return this.adapterHost.httpAdapter.getInstance<Fastify>();
  }

  private readonly plugin: Parameters<Fastify['register']>[0] = (scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    // The body is left to whoever answers.
    scope.addContentTypeParser('*', (_request, _payload, parsed) => {
      parsed(null);
    });
    const take = (request: FastifyRequest, reply: FastifyReply): void => {
      reply.hijack();
      request.raw.url = (request.raw.url ?? '').slice(this.base.length).replace(/^(?!\/)/, '/');
      void this.enter(request, reply, request.raw, reply.raw);
    };
    scope.all(this.base, take);
    scope.all(`${this.base}/*`, take);
    done();
  };

  /** @param seenRequest as guards know it: Fastify has requests and replies of its own */
  private async enter(
    seenRequest: unknown,
    seenResponse: unknown,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    try {
      await (
        await (this.guarded ??= this.guard())
      )(seenRequest, seenResponse);
    } catch (refusal) {
      this.handle(request, response, refusal);
      return;
    }
    this.handle(request, response);
  }

  /** What resolves when all guards let a request in. */
  private async guard(): Promise<(...exchange: unknown[]) => Promise<unknown>> {
    const guards = (this.options.guards ?? []).map(async (guard) => {
      if (typeof guard !== 'function') return guard;
      try {
        return this.modules.get<CanActivate>(guard, { strict: false });
      } catch {
        return this.modules.create(guard);
      }
    });
    @UseGuards(...(await Promise.all(guards)))
    class FrontrunnerHttp {
      readonly enter = (): true => true;
    }
    const door = new FrontrunnerHttp();
    const { enter } = door;
    const only = { guards: true, interceptors: false, filters: false };
    return this.contexts.create(
      door,
      enter,
      'enter',
      undefined,
      undefined,
      undefined,
      undefined,
      only,
      'http',
    );
  }
}

const leaveBody: Parameters<Express['use']>[1] = (request, _response, next) => {
  // What body-parser takes as a sign that it was read already.
  request.finished = true;
  next();
};
