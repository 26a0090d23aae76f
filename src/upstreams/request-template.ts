import { ACCEPTED_ENCODINGS } from './decompression.js';
import { compileBody, compileTextBody } from './body-template.js';
import { urlTemplate } from './environment-url.js';
import { compileForm } from './form-template.js';
import { forwarded, HeaderTemplate, type HeaderValue } from './header-template.js';
import type { SubTaskContext } from '../core/sub-task.js';
import type { Traced } from '../tracing/attempt-trace.js';
import type { HttpRequestOptions } from './http-sub-task.schema.js';
import type { StreamKind } from './stream.schema.js';
import type { Environment } from './template-text.js';
import type { UrlTemplate } from './url-template.js';

/** A request to one of the declared origins. */
export interface UpstreamRequest {
  readonly method: NonNullable<HttpRequestOptions['method']>;
  /** The path with the query. */
  readonly path: string;
  /** Names and values in turn, as undici takes them. */
  readonly headers: string[];
  readonly body: string | null;
}

/** Methods that have a body by default. DELETE isn't one, because servers expect none with it (RFC 9110, 9.3.5). */
const WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);

const DEFAULT_HEADERS: Readonly<Record<string, string>> = {
  accept: 'application/json, */*;q=0.5',
  'accept-encoding': ACCEPTED_ENCODINGS,
  'user-agent': 'frontrunner',
};

const ACCEPTED_STREAMS: Readonly<Record<StreamKind, string>> = {
  sse: 'text/event-stream, */*;q=0.5',
  ndjson: 'application/x-ndjson, */*;q=0.5',
  bytes: '*/*',
};

/** Streams ask for no compression: it would hold pieces back until later ones come. */
function defaultHeaders(stream: StreamKind | undefined): Readonly<Record<string, string>> {
  if (!stream) return DEFAULT_HEADERS;
  return { ...DEFAULT_HEADERS, accept: ACCEPTED_STREAMS[stream], 'accept-encoding': 'identity' };
}

/** The parts of an attempt's context that a request uses. */
type RequestContext = Pick<SubTaskContext, 'idempotencyKey' | 'traceparent' | 'callerHeaders'> & Traced;

/** A body, or a function that makes it from an input; null for none. */
type Body = string | ((input: unknown) => string) | null;

/** The options of a sub-task, compiled once, as a template for requests. */
export class RequestTemplate {
  readonly url: UrlTemplate;
  readonly method: UpstreamRequest['method'];
  /** Names, in lower case, of the headers that only the sub-task's own origin may get. */
  readonly privateHeaders: ReadonlySet<string>;
  private readonly fixed: readonly string[];
  private readonly variable: readonly (readonly [string, HeaderValue])[];
  private readonly body: Body;
  private readonly withKey: boolean;
  /** The names, in lower case, of the headers that the options name. */
  readonly named: ReadonlySet<string>;

  constructor(options: HttpRequestOptions, environment: Environment) {
    this.url = urlTemplate(options.url, (name) => environment[name] ?? '');
    this.method = options.method ?? 'GET';
    const { body, contentType } = bodyOf(options, this.method, environment);
    this.body = body;
    const { forwardHeaders = [] } = options;
    const headers = defaultHeaders(options.stream);
    const templates = Object.entries(options.headers ?? {}).map(
      ([name, text]) => [name, HeaderTemplate.parse(text)] as const,
    );
    const secretive = templates.filter(([, template]) => template.isSecret);
    this.privateHeaders = new Set([
      'authorization',
      'cookie',
      ...[...secretive.map(([name]) => name), ...forwardHeaders].map((name) => name.toLowerCase()),
    ]);
    const compiled = [
      ...templates.map(([name, template]) => [name, template.compile(environment)] as const),
      ...forwardHeaders.map(
        (name) => [name, forwarded(name.toLowerCase(), defaultHeader(headers, name))] as const,
      ),
    ];
    const named = new Set(compiled.map(([name]) => name.toLowerCase()));
    this.named = named;
    const defaults = Object.entries({
      ...headers,
      ...(this.body !== null && { 'content-type': contentType }),
    }).filter(([name]) => !named.has(name));
    this.fixed = [...defaults, ...compiled].flatMap(([name, value]) =>
      typeof value === 'string' ? [name, value] : [],
    );
    this.variable = compiled.flatMap(([name, value]) =>
      typeof value === 'string' ? [] : [[name, value] as const],
    );
    this.withKey = this.method !== 'GET' && this.method !== 'HEAD' && !named.has('idempotency-key');
  }

  /** Makes the request for an input. @throws {SubTaskError} `upstream-forbidden` when the input can't or must not make one */
  request(input: unknown, context: RequestContext): UpstreamRequest {
    const headers = this.fixed.slice();
    for (const [name, value] of this.variable) {
      const text = value(input, context.callerHeaders);
      if (text !== undefined) headers.push(name, text);
    }
    if (this.withKey) headers.push('idempotency-key', context.idempotencyKey);
    // With a trace, each request has a span of its own, which sets this header.
    if (!context.trace && !this.named.has('traceparent')) headers.push('traceparent', context.traceparent);
    const { method, body } = this;
    return {
      method,
      path: this.url.target(input),
      headers,
      body: typeof body === 'function' ? body(input) : body,
    };
  }
}

function defaultHeader(headers: Readonly<Record<string, string>>, name: string): string | undefined {
  const lower = name.toLowerCase();
  return Object.hasOwn(headers, lower) ? headers[lower] : undefined;
}

function bodyOf(
  { body, form, text }: HttpRequestOptions,
  method: string,
  environment: Environment,
): { readonly body: Body; readonly contentType: string } {
  if (form !== undefined)
    return { body: compileForm(form, environment), contentType: 'application/x-www-form-urlencoded' };
  if (text !== undefined)
    return { body: compileTextBody(text, environment), contentType: 'text/plain; charset=utf-8' };
  const contentType = 'application/json';
  if (body !== undefined) return { body: compileBody(body, environment), contentType };
  return { body: WITH_BODY.has(method) ? (input) => JSON.stringify(input ?? null) : null, contentType };
}
