import { IncomingMessage, type ServerResponse } from 'node:http';
import type { HttpAdapterHost } from '@nestjs/core';
import { loggerOf } from '../core/logger-of.js';
import { problem } from '../http/problems.js';
import type { Door, Exchange, Handle } from './exchange.js';
import type { HostGuards } from './host-guards.js';
import { mountOnExpress } from './on-express.js';
import { mountOnFastify } from './on-fastify.js';
import { basePath, OptionsError, type HttpOptions } from './options.js';

/** A client's name: a text that every journal can keep. */
const CLIENT = /^[^\p{Cc}\p{Cs}]{1,255}$/u;

/** The paths of the instances of an application, by its adapter. */
const bases = new WeakMap<object, readonly string[]>();

/** Hands requests below a path on to an instance, once the guards of the application have let them in. */
export class HttpDoor implements Door {
  /** The path of the door, such as `/frontrunner`. */
  readonly base: string;
  private readonly logger = loggerOf('request');
  private mount: (() => void) | undefined;
  private handle: Handle = (_request, response) => {
    const body = problem('not-ready', 'The application is starting', { base: this.base });
    response.writeHead(body.status, { 'Content-Type': 'application/problem+json', 'Retry-After': '1' });
    response.end(JSON.stringify(body));
  };

  constructor(
    private readonly options: HttpOptions,
    private readonly adapterHost: HttpAdapterHost,
    private readonly guards: HostGuards,
  ) {
    this.base = basePath(options);
    // Both ways come before body parsers are set up. A TestingModule makes its application after its providers.
    if (this.type === undefined)
      adapterHost.init$.subscribe(() => {
        this.reachAdapter();
      });
    else this.reachAdapter();
  }

  /** Sets the function that answers from now on. Until then, requests get `not-ready`. */
  lead(handle: Handle): void {
    this.handle = handle;
  }

  /**
   * Begins to take requests. What the application has set up before, such as middleware, comes first.
   *
   * @throws {OptionsError} when the adapter is neither Express nor Fastify, or when the path overlaps with that of another instance
   */
  async open(): Promise<void> {
    if (!this.mount)
      throw new OptionsError([
        `http needs an application with the Express or the Fastify adapter, and this one has ${this.type ?? 'none'}; leave http out, or set it to false`,
      ]);
    this.requireOwnPath();
    await this.guards.prepare();
    this.mount();
  }

  refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    this.handle(request, response, error, undefined);
  }

  async enter(exchange: Exchange): Promise<void> {
    const { request, response, seenRequest, seenResponse } = exchange;
    if (!(request instanceof IncomingMessage)) {
      this.refuseKind(exchange);
      return;
    }
    let refusal: unknown;
    let client: string | undefined;
    try {
      this.requireOwnBody(request);
      await this.guards.admit(seenRequest, seenResponse);
      client = this.clientOf(seenRequest);
    } catch (error) {
      refusal = error ?? new Error('A guard has thrown nothing');
    }
    if (exchange.takeOver()) this.handle(request, response, refusal, client);
  }

  private reachAdapter(): void {
    const { httpAdapter } = this.adapterHost;
    if (this.type === 'express') this.mount = mountOnExpress(httpAdapter, this.base, this);
    if (this.type === 'fastify') this.mount = mountOnFastify(httpAdapter.getInstance(), this.base, this);
  }

  /** Refuses paths of two instances of which one is below the other: the instance mounted first would answer for both. */
  private requireOwnPath(): void {
    const { httpAdapter } = this.adapterHost;
    const taken = bases.get(httpAdapter) ?? [];
    const other = taken.find(
      (base) => `${base}/`.startsWith(`${this.base}/`) || `${this.base}/`.startsWith(`${base}/`),
    );
    if (other !== undefined)
      throw new OptionsError([
        `http.path is ${this.base} for one instance and ${other} for another one; give each a path of its own, neither below the other`,
      ]);
    bases.set(httpAdapter, [...taken, this.base]);
  }

  private get type(): string | undefined {
    // An application without HTTP has no adapter, whatever its type says.
    return (this.adapterHost.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined)?.getType();
  }

  /** Refuses bodies that another parser has read: numbers in them may have lost digits. */
  private requireOwnBody(request: IncomingMessage): void {
    if (request.readableDidRead)
      throw new Error(
        `A parser has read the body of a request below ${this.base} before its turn; set it up after NestFactory.create, or not for this path`,
      );
  }

  /** Refuses what is no HTTP/1.1 request of Node: the Express application that answers takes nothing else. */
  private refuseKind(exchange: Exchange): void {
    const detail = `${this.base} answers requests of HTTP/1.1 alone, neither those of HTTP/2 nor those that are injected without a socket`;
    this.logger.error(detail);
    if (!exchange.takeOver()) return;
    exchange.response.statusCode = 505;
    exchange.response.end(detail);
  }

  private clientOf(request: unknown): string | undefined {
    const client: unknown = this.options.client?.(request as never);
    if (client === undefined || (typeof client === 'string' && CLIENT.test(client))) return client;
    throw new TypeError(
      'http.client must return a text of 1 to 255 characters without control characters, or undefined',
    );
  }
}
