import bytes from 'bytes';
import { NO_HEADERS } from '../core/caller-headers.js';
import type { JsonValue } from '../core/json.js';
import { SubTaskError, type SubTaskErrorOptions } from '../core/sub-task-error.js';
import type { SubTaskContext, SubTaskHandler } from '../core/sub-task.js';
import type { Traced } from '../tracing/attempt-trace.js';
import { ForbiddenAddress } from './address-guard.js';
import { StaleConnection } from './connection.js';
import { requireEnvironment, secretsOf } from './environment.js';
import { writtenPath, writtenUrl } from './environment-url.js';
import { excerptOf } from './excerpt.js';
import { DEFAULT_MAX_RESPONSE, type HttpRequestOptions } from './http-sub-task.schema.js';
import { isRedirect, MAX_REDIRECTS, redirected, type Hop, type RedirectTerms } from './redirects.js';
import { RequestTemplate, type UpstreamRequest } from './request-template.js';
import { statusFailure, UnfollowedRedirect } from './response-outcome.js';
import { UnfitResponse, type ReadingTerms, type UpstreamResponse } from './response-reader.js';
import { compileResult } from './result-reader.js';
import { Secrets } from './secrets.js';
import type { Environment } from './template-text.js';
import { reasonOf } from './timed-exchange.js';
import { tracedExchange, type TracedCalls } from './traced-exchange.js';
import { usesOf } from './template-uses.js';
import type { Upstream, Upstreams } from './upstreams.js';

/** Stands for the attempt of a request that is only shown. */
const NO_ATTEMPT = {
  idempotencyKey: '{run}/{sub-task}',
  traceparent: '00-{trace}-{span}-01',
  callerHeaders: NO_HEADERS,
};

/** Methods whose requests may be sent again (RFC 9110, 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);

/**
 * A sub-task that asks an upstream over HTTP. A 2xx, or a status of `expect.status`, that meets `expect` succeeds, with what `result`
 * makes of it; what else may come of it is a {@link SubTaskError}:
 *
 * - `upstream-unreachable`: no connection, or one that broke. May be tried again.
 * - `upstream-status`: 408, 425, 429, 5xx and a 2xx that `expect.status` leaves out may be tried again, not before
 *   `Retry-After`; when that is longer than `retry.maxDelay`, and for all other statuses, no attempt follows. One of
 *   `final` lets no other sub-task start either.
 * - `upstream-unfit`: an answer that `expect`, `as`, `result` or `maxResponse` doesn't take, or that can't be read to its end. May be
 *   tried again: what is behind a load balancer rarely breaks all at once.
 * - `upstream-forbidden`: the input makes a path of another shape, the address is a private one, or a redirect leads to
 *   an origin that is neither its own nor one of `redirects`. Final.
 */
export class HttpSubTask implements SubTaskHandler<unknown> {
  readonly target: string;
  private readonly template: RequestTemplate;
  private readonly upstream: Upstream;
  private readonly secrets: Secrets;
  private readonly terms: ReadingTerms;
  private readonly redirects: RedirectTerms;
  /** What spans show of its URL. */
  private readonly path: string;
  private readonly final: ReadonlySet<number>;
  private readonly resultOf: ReturnType<typeof compileResult>;

  /**
   * @param options as `httpRequestSchema` has checked them
   * @param environment where the variables of the templates are; their values are read once, here
   * @throws {TaskDeclarationError} when one of them is not set
   */
  constructor(options: HttpRequestOptions, upstreams: Upstreams, environment: Environment) {
    requireEnvironment(options, environment);
    this.template = new RequestTemplate(options, environment);
    this.upstream = upstreams.declare(this.template.url.origin, options.allowPrivate ?? false);
    const { redirects = [] } = options;
    const others = redirects.map((origin) => upstreams.declare(new URL(origin).origin, false));
    this.redirects = {
      origins: new Map([this.upstream, ...others].map((upstream) => [upstream.origin, upstream])),
      privateHeaders: this.template.privateHeaders,
      hasPrivateBody: usesOf(options).environment.some(
        ({ path }) => path[0] !== 'url' && path[0] !== 'headers',
      ),
    };
    this.secrets = new Secrets(secretsOf(options, environment));
    const statuses = options.expect?.status && new Set(options.expect.status);
    this.terms = {
      maxBytes: bytes.parse(options.maxResponse ?? DEFAULT_MAX_RESPONSE) ?? 0,
      accepts: (status) => (statuses ? statuses.has(status) : status >= 200 && status < 300),
    };
    this.path = writtenPath(options.url);
    this.target = `${options.method ?? 'GET'} ${writtenUrl(options.url)}`;
    this.final = new Set(options.final);
    this.resultOf = compileResult(options, upstreams.expressions, this.terms.maxBytes);
  }

  /** @throws {SubTaskError} */
  async run(input: unknown, context: SubTaskContext & Traced): Promise<JsonValue> {
    const { signal, trace } = context;
    const calls: TracedCalls | undefined = trace && { trace, path: this.path, named: this.template.named };
    let hop: Hop = { upstream: this.upstream, request: this.template.request(input, context) };
    for (let redirects = 0; ; redirects += 1) {
      const response = await this.ask(hop, signal, calls);
      if (this.terms.accepts(response.status)) return await this.read(hop, response, input, signal);
      if (!isRedirect(response.status, hop.request.method)) throw this.statusError(hop, response);
      hop = this.follow(hop, response, redirects);
      if (calls) calls.path = undefined;
    }
  }

  /**
   * The request that an input makes, and the proxy that it goes through, as text, without what came from the environment. Nothing is sent.
   *
   * @throws {SubTaskError} as {@link run} does
   */
  explain(input: unknown): string {
    const { method, path, headers, body } = this.template.request(input, NO_ATTEMPT);
    const fields = headers.flatMap((text, at) => (at % 2 === 0 ? [`${text}: ${headers[at + 1] ?? ''}`] : []));
    const { proxy } = this.upstream.network;
    const lines = [
      ...(proxy === undefined ? [] : [`# through the proxy ${new URL(proxy).host}`]),
      `${method} ${this.upstream.origin}${path}`,
      ...fields,
      ...(body === null ? [] : ['', body]),
    ];
    return this.secrets.redact(lines.join('\n'));
  }

  private async ask(
    { upstream, request }: Hop,
    signal: AbortSignal,
    calls: TracedCalls | undefined,
  ): Promise<UpstreamResponse> {
    try {
      return await this.send(upstream, request, signal, calls);
    } catch (error) {
      const { origin } = upstream;
      if (error instanceof UnfitResponse) throw this.unfit(origin, error);
      if (error instanceof ForbiddenAddress)
        throw this.failure(`${origin} is not called: ${error.message}`, {
          code: 'upstream-forbidden',
          retry: false,
        });
      const by = upstream.network.proxy === undefined ? '' : ' through its proxy';
      throw this.failure(`${origin} can’t be reached${by}: ${reasonOf(error)}`, {
        code: 'upstream-unreachable',
      });
    }
  }

  /** Sends it once more where that does no harm and a connection had been closed unseen. */
  private async send(
    upstream: Upstream,
    request: UpstreamRequest,
    signal: AbortSignal,
    calls: TracedCalls | undefined,
  ): Promise<UpstreamResponse> {
    try {
      return await tracedExchange(calls, upstream, request, this.terms, signal, false);
    } catch (error) {
      if (!(error instanceof StaleConnection) || !IDEMPOTENT.has(request.method)) throw error;
      return tracedExchange(calls, upstream, request, this.terms, signal, true);
    }
  }

  private async read(
    { upstream }: Hop,
    response: UpstreamResponse,
    input: unknown,
    signal: AbortSignal,
  ): Promise<JsonValue> {
    try {
      return await this.resultOf(response, input, signal);
    } catch (error) {
      if (error instanceof UnfitResponse) throw this.unfit(upstream.origin, error);
      throw error;
    }
  }

  private follow(hop: Hop, response: UpstreamResponse, redirects: number): Hop {
    try {
      if (redirects === MAX_REDIRECTS)
        throw new UnfollowedRedirect(`more than ${MAX_REDIRECTS} times in a row`, 'upstream-status');
      return redirected(hop, response, this.redirects);
    } catch (error) {
      if (!(error instanceof UnfollowedRedirect)) throw error;
      const message = `${hop.upstream.origin} redirects ${error.message}`;
      throw this.failure(message, { code: error.code, retry: false }, response);
    }
  }

  private statusError({ upstream }: Hop, response: UpstreamResponse): SubTaskError {
    const { message, ...options } = statusFailure(response);
    const final = this.final.has(response.status) && { final: true, retry: false };
    return this.failure(
      `${upstream.origin} ${message}`,
      { code: 'upstream-status', ...options, ...final },
      response,
    );
  }

  private unfit(origin: string, { message, response }: UnfitResponse): SubTaskError {
    const answer = `${origin} answered ${response.status}, but ${message}`;
    return this.failure(answer, { code: 'upstream-unfit' }, response);
  }

  private failure(message: string, options: SubTaskErrorOptions, response?: UpstreamResponse): SubTaskError {
    const upstream = response && {
      status: response.status,
      excerpt: excerptOf(response.body, response.headers['content-type'], this.secrets),
    };
    return new SubTaskError(this.secrets.redact(message), { ...options, ...(upstream && { upstream }) });
  }
}
