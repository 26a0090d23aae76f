import type { Context, Span, TextMapSetter } from '@opentelemetry/api';
import { serverOf } from '../core/server-address.js';
import type { Spans } from './spans.js';

/** A request to an upstream, as its span shows it: with no value of the input, and none of the environment. */
export interface Call {
  readonly method: string;
  readonly origin: string;
  /** The path of its template, without the query; undefined where the upstream of a redirect has chosen the path. */
  readonly path: string | undefined;
}

/** Adds headers, names and values in turn, except those in a set. */
interface Carrier {
  readonly headers: string[];
  readonly without: ReadonlySet<string>;
}

const SETTER: TextMapSetter<Carrier> = {
  set({ headers, without }, name, value) {
    if (!without.has(name.toLowerCase())) headers.push(name, value);
  },
};

/** The client span of one request to an upstream. */
export class CallTrace {
  private readonly span: Span;

  /** @param resent how often the request was sent before */
  constructor(
    private readonly spans: Spans,
    { method, origin, path }: Call,
    resent: number,
    parent: Context,
  ) {
    const { address, port } = serverOf(origin);
    this.span = spans.start(
      path === undefined ? method : `${method} ${path}`,
      {
        kind: spans.api.SpanKind.CLIENT,
        attributes: {
          'http.request.method': method,
          'url.full': origin + (path ?? '/'),
          'server.address': address,
          'server.port': port,
          ...(path !== undefined && { 'url.template': path }),
          ...(resent > 0 && { 'http.request.resend_count': resent }),
        },
      },
      parent,
    );
  }

  /** Adds the span's headers to a request. */
  inject(headers: string[], without: ReadonlySet<string>): void {
    this.spans.inject(this.span, { headers, without }, SETTER);
  }

  answered(status: number): void {
    this.span.setAttribute('http.response.status_code', status);
    if (status >= 400) this.fail(String(status));
    this.spans.end(this.span);
  }

  /** An answer came that can’t be used. */
  unfit(status: number): void {
    this.span.setAttribute('http.response.status_code', status);
    this.fail('upstream-unfit');
    this.spans.end(this.span);
  }

  /** An answer came piece by piece. @param error the code of what ended it early, as in {@link failed}; undefined for a complete answer */
  streamed(status: number, error: string | undefined): void {
    if (error === undefined) {
      this.answered(status);
      return;
    }
    this.span.setAttribute('http.response.status_code', status);
    this.failed(error);
  }

  /** No answer came. @param code of the system, where it says why; `cancelled`, as a loser of a race is, is no error of the upstream */
  failed(code: unknown): void {
    if (code === 'cancelled') this.span.setAttribute('error.type', code);
    else this.fail(typeof code === 'string' ? code : 'upstream-unreachable');
    this.spans.end(this.span);
  }

  private fail(type: string): void {
    this.span.setAttribute('error.type', type);
    this.span.setStatus({ code: this.spans.api.SpanStatusCode.ERROR });
  }
}
