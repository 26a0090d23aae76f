import bytes from 'bytes';
import { NO_HEADERS } from '../core/caller-headers.js';
import type { JsonValue } from '../core/json.js';
import type { StreamOptions, SubTaskContext, SubTaskHandler } from '../core/sub-task.js';
import type { Traced } from '../tracing/attempt-trace.js';
import { StaleConnection } from './connection.js';
import { requireEnvironment, secretsOf } from './environment.js';
import { writtenPath, writtenUrl } from './environment-url.js';
import { compileWins } from './chunk-reader.js';
import { compileChunks } from './chunks.js';
import { DEFAULT_MAX_RESPONSE, type HttpRequestOptions } from './http-sub-task.schema.js';
import { maybeEventStream } from './media-type.js';
import { isRedirect, MAX_REDIRECTS, redirected, type Hop, type RedirectTerms } from './redirects.js';
import { RequestTemplate, type UpstreamRequest } from './request-template.js';
import { UnfollowedRedirect } from './response-outcome.js';
import { UnfitResponse, type ReadingTerms, type UpstreamResponse } from './upstream-response.js';
import { compileResult } from './result-reader.js';
import { Secrets } from './secrets.js';
import type { Environment } from './template-text.js';
import { tracedExchange, type TracedCalls } from './traced-exchange.js';
import { usesOf } from './template-uses.js';
import { UpstreamFailures } from './upstream-failures.js';
import type { Upstream, Upstreams } from './upstreams.js';

/** Stands for the attempt of a request that is only displayed. */
const NO_ATTEMPT = {
  idempotencyKey: '{run}/{sub-task}',
  traceparent: '00-{trace}-{span}-01',
  callerHeaders: NO_HEADERS,
};

/** Methods whose requests may be sent again (RFC 9110, 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);

/**
 * A sub-task that calls an upstream over HTTP. A response succeeds if its status is in `expect.status` (default: 2xx) and it meets
 * `expect`. `result` makes the result from it. With `stream`, the result is its chunks, which are read as fast as they are asked for.
 * Every other outcome is a `SubTaskError`:
 *
 * - `upstream-unreachable`: no connection, or one that broke. May be tried again.
 * - `upstream-status`: 408, 425, 429, 5xx, and a 2xx that `expect.status` leaves out, may be tried again, not before
 *   `Retry-After`. No attempt follows if that is longer than `retry.maxDelay`, or for any other status. A status in
 *   `final` also keeps other sub-tasks from starting.
 * - `upstream-unfit`: a response that `expect`, `as`, `result` or `maxResponse` rejects, or that can't be read to its end;
 *   a stream that reports an error. May be tried again: servers behind a load balancer rarely all break at once.
 * - `upstream-forbidden`: the input would change the shape of the path, the address is private, or a redirect leads to
 *   an origin that is neither its own nor one of `redirects`. Final.
 */
export class HttpSubTask implements SubTaskHandler<unknown> {
  readonly target: string;
  private readonly template: RequestTemplate;
  private readonly upstream: Upstream;
  private readonly secrets: Secrets;
  private readonly terms: ReadingTerms;
  private readonly redirects: RedirectTerms;
  /** The path that spans show. */
  private readonly path: string;
  private readonly failures: UpstreamFailures;
  private readonly resultOf: ReturnType<typeof compileResult>;
  private readonly chunksOf: ReturnType<typeof compileChunks> | undefined;
  /** Tells whether a chunk is enough for its stream to win; undefined where the options have no `wins`. */
  readonly wins: StreamOptions['wins'];

  /**
   * @param options checked by `httpRequestSchema`
   * @param environment the variables of the templates; their values are read once, here
   * @throws {TaskDeclarationError} when a variable is not set
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
    const { stream, wins } = options;
    const { expressions } = upstreams;
    const maxBytes = bytes.parse(options.maxResponse ?? DEFAULT_MAX_RESPONSE) ?? 0;
    this.terms = {
      maxBytes,
      ...(stream && { streams: stream === 'sse' ? maybeEventStream : () => true }),
      accepts: (status) => (statuses ? statuses.has(status) : status >= 200 && status < 300),
    };
    this.path = writtenPath(options.url);
    this.target = `${options.method ?? 'GET'} ${writtenUrl(options.url)}`;
    this.failures = new UpstreamFailures(this.secrets, new Set(options.final));
    this.resultOf = compileResult(options, expressions, maxBytes);
    this.chunksOf = stream && compileChunks(stream, options, expressions, maxBytes);
    this.wins = wins === undefined ? undefined : compileWins(wins, expressions, maxBytes);
  }

  /** Makes the request. With `stream`, it is made when the first chunk is asked for. @throws {SubTaskError} */
  run(input: unknown, context: SubTaskContext & Traced): Promise<JsonValue> | AsyncGenerator<JsonValue> {
    return this.chunksOf ? this.stream(this.chunksOf, input, context) : this.result(input, context);
  }

  private async result(input: unknown, context: SubTaskContext & Traced): Promise<JsonValue> {
    const { signal } = context;
    const { hop, response } = await this.answer(input, context, signal);
    try {
      return await this.resultOf(response, input, signal);
    } catch (error) {
      throw this.failureOf(hop.upstream.origin, error);
    }
  }

  private stream(
    chunksOf: ReturnType<typeof compileChunks>,
    input: unknown,
    context: SubTaskContext & Traced,
  ): AsyncGenerator<JsonValue> {
    const { signal } = context;
    const open = async () => {
      const { hop, response } = await this.answer(input, context, signal);
      const { origin } = hop.upstream;
      const failureOf = (error: unknown) => this.failureOf(origin, error);
      const { stream: body, headers } = response;
      if (body) return { response, body, failureOf };
      const type = String(headers['content-type']).slice(0, 80);
      throw failureOf(new UnfitResponse(`its Content-Type, ${type}, is none of an event stream`, response));
    };
    return chunksOf(open, { input, signal, context });
  }

  /** The response, after all redirects, if its status is accepted. @throws {SubTaskError} */
  private async answer(
    input: unknown,
    context: SubTaskContext & Traced,
    signal: AbortSignal,
  ): Promise<{ readonly hop: Hop; readonly response: UpstreamResponse }> {
    const { trace } = context;
    const calls: TracedCalls | undefined = trace && { trace, path: this.path, named: this.template.named };
    let hop: Hop = { upstream: this.upstream, request: this.template.request(input, context) };
    for (let redirects = 0; ; redirects += 1) {
      const response = await this.ask(hop, signal, calls);
      if (this.terms.accepts(response.status)) return { hop, response };
      if (!isRedirect(response.status, hop.request.method)) throw this.failures.ofStatus(hop, response);
      hop = this.follow(hop, response, redirects);
      if (calls) calls.path = undefined;
    }
  }

  /**
   * The request for an input, and the proxy that it would use, as text without values from the environment. Nothing is sent.
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
    hop: Hop,
    signal: AbortSignal,
    calls: TracedCalls | undefined,
  ): Promise<UpstreamResponse> {
    try {
      return await this.send(hop.upstream, hop.request, signal, calls);
    } catch (error) {
      throw this.failures.ofRequest(hop, error);
    }
  }

  /** Sends a request. Sends it once more if its connection had been closed unnoticed and its method allows that. */
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

  private failureOf(origin: string, error: unknown): unknown {
    return error instanceof UnfitResponse ? this.failures.ofResponse(origin, error) : error;
  }

  private follow(hop: Hop, response: UpstreamResponse, redirects: number): Hop {
    try {
      if (redirects === MAX_REDIRECTS)
        throw new UnfollowedRedirect(`more than ${MAX_REDIRECTS} times in a row`, 'upstream-status');
      return redirected(hop, response, this.redirects);
    } catch (error) {
      if (!(error instanceof UnfollowedRedirect)) throw error;
      const message = `${hop.upstream.origin} redirects ${error.message}`;
      throw this.failures.of(message, { code: error.code, retry: false }, response);
    }
  }
}
