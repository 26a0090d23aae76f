import type { Attributes, Context, Span, SpanContext, SpanOptions } from '@opentelemetry/api';
import type { AttemptError } from '../core/run.js';
import { CallTrace, type Call } from './call-trace.js';
import { traceparentOf } from './span-context.js';
import type { Spans } from './spans.js';

/** How an attempt ended; `unfinished` where it goes on in another span, or in another process. */
export type AttemptEnd =
  | { readonly outcome: 'succeeded' | 'cancelled' | 'unfinished' }
  | { readonly outcome: 'failed'; readonly error: AttemptError };

/** Something that may have the span of an attempt. */
export interface Traced {
  readonly trace?: AttemptTrace | undefined;
}

/**
 * The span of an attempt. It is the active context of the attempt too: what the attempt does after the reply belongs to the span that
 * begins there.
 */
export class AttemptTrace implements Context {
  private span: Span;
  private context: Context;
  private calls = 0;

  constructor(
    private readonly spans: Spans,
    readonly subTask: string,
    readonly attempt: number,
    options: SpanOptions,
    parent: Context | undefined,
  ) {
    this.span = spans.start(`sub-task ${subTask}`, options, parent);
    this.context = spans.below(this.span);
  }

  get ids(): SpanContext {
    return this.span.spanContext();
  }

  get traceparent(): string {
    return traceparentOf(this.ids);
  }

  /** Calls the function that makes the attempt, with the span active. */
  around<Result>(call: () => Result): Result {
    return this.spans.api.context.with(this, call);
  }

  /** Begins the span of a request to an upstream. Further ones are taken for the same request, sent again. */
  call(call: Call): CallTrace {
    return new CallTrace(this.spans, call, this.calls++, this.context);
  }

  /** Continues in a trace of its own after the reply. @param run attributes that name the run */
  goOn(ms: number, run: Attributes): void {
    const { ids, spans } = this;
    this.end(ms, { outcome: 'unfinished' });
    this.span = spans.start(`sub-task ${this.subTask}`, {
      startTime: ms,
      attributes: { ...run, 'frontrunner.attempt': this.attempt },
      links: [{ context: ids }],
    });
    this.context = spans.below(this.span);
  }

  end(ms: number, end: AttemptEnd): void {
    const { span } = this;
    span.setAttribute('frontrunner.outcome', end.outcome);
    if (end.outcome === 'failed') {
      const { code, message } = end.error;
      span.setAttribute('error.type', code).setStatus({ code: this.spans.api.SpanStatusCode.ERROR, message });
      span.recordException({ code, message }, ms);
    }
    this.spans.end(span, ms);
  }

  getValue(key: symbol): unknown {
    return this.context.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return this.context.setValue(key, value);
  }

  deleteValue(key: symbol): Context {
    return this.context.deleteValue(key);
  }
}
