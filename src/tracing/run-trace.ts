import type { Attributes, Context, Link, Span, SpanContext } from '@opentelemetry/api';
import type { RunEvent, StartCause } from '../core/events.js';
import type { LosersPolicy } from '../core/policies.js';
import type { RunRecord } from '../core/run-record.js';
import { AttemptTrace, type AttemptEnd } from './attempt-trace.js';
import { spanContextOf } from './span-context.js';
import type { Spans } from './spans.js';

export interface TracedRun {
  readonly id: string;
  readonly task: string;
  readonly losers: LosersPolicy;
}

/** Parameters of a {@link RunTrace}. */
interface Beginning {
  /** Ids of the run’s span; undefined where no trace is recorded. */
  readonly ids: SpanContext | undefined;
  /** The run’s span, where this process ends it. */
  readonly span?: Span;
  /** The parent of attempts; undefined once there is a reply. */
  readonly parent?: Context | undefined;
  /** The record of another process. */
  readonly record?: Readonly<RunRecord>;
}

const TRIGGERS: Readonly<Record<NonNullable<StartCause['trigger']>, string>> = {
  delay: 'hedge',
  'failed-attempt': 'failed-attempt',
  failure: 'failure',
  need: 'need',
  exploration: 'exploration',
};

/**
 * The spans of a live run: its own, which ends at the reply, and those of its attempts. They are made from its events: docs/adr/0028-spans-end-at-the-reply.md.
 */
export class RunTrace {
  private readonly ids: SpanContext | undefined;
  private span: Span | undefined;
  private parent: Context | undefined;
  private readonly isRecording: boolean;
  /** The attempts that are under way. */
  private readonly attempts: AttemptTrace[] = [];
  /** The last attempt of each sub-task that had one before. */
  private readonly last = new Map<string, SpanContext>();
  /** When there was a reply that cancels the losers. */
  private endMs = Infinity;

  constructor(
    private readonly spans: Spans,
    private readonly run: TracedRun,
    { ids, span, parent, record }: Beginning,
  ) {
    this.ids = ids;
    this.span = span;
    this.parent = parent;
    this.isRecording = span?.isRecording() ?? true;
    for (const { name, traceparent } of record?.subTasks ?? [])
      if (traceparent !== undefined) this.last.set(name, spanContextOf(traceparent));
  }

  /** Called when an attempt begins; undefined where the run is not sampled. */
  begin(
    subTask: string,
    attempt: number,
    { trigger }: StartCause,
    startMs: number,
  ): AttemptTrace | undefined {
    if (!this.isRecording) return undefined;
    const { run, parent, ids, last } = this;
    const before = last.get(subTask);
    const links: Link[] = before ? [{ context: before }] : [];
    if (!parent && ids) links.push({ context: ids });
    const attributes = {
      'frontrunner.attempt': attempt,
      'frontrunner.trigger': trigger ? TRIGGERS[trigger] : attempt === 1 ? 'start' : 'retry',
      ...(!parent && runOf(run)),
    };
    const trace = new AttemptTrace(
      this.spans,
      subTask,
      attempt,
      { startTime: startMs, attributes, links },
      parent,
    );
    this.attempts.push(trace);
    last.set(subTask, trace.ids);
    return trace;
  }

  committed(event: RunEvent): void {
    if (!this.isRecording) return;
    switch (event.type) {
      case 'run.replied':
        this.replied(event);
        return;
      case 'sub-task.succeeded':
        this.ended(event, { outcome: 'succeeded' });
        return;
      case 'sub-task.cancelled':
        this.ended(event, { outcome: 'cancelled' });
        return;
      case 'sub-task.failed':
      case 'sub-task.retrying':
        this.ended(event, { outcome: 'failed', error: event.data.error });
        return;
      default:
    }
  }

  /** Called when this process no longer executes the run. */
  left(ms: number): void {
    if (this.span) this.spans.end(this.span.setAttribute('frontrunner.left', true), ms);
    this.span = undefined;
    for (const attempt of this.attempts.splice(0)) attempt.end(ms, { outcome: 'unfinished' });
  }

  private ended(
    { subTask, attempt, time }: { subTask: string; attempt: number; time: string },
    end: AttemptEnd,
  ): void {
    const at = this.attempts.findIndex((open) => open.subTask === subTask && open.attempt === attempt);
    if (at < 0) return;
    const ms = Date.parse(time);
    const endMs = end.outcome === 'cancelled' ? Math.min(ms, this.endMs) : ms;
    for (const trace of this.attempts.splice(at, 1)) trace.end(endMs, end);
  }

  private replied({ data: { reply, status }, time }: RunEvent<'run.replied'>): void {
    const { span } = this;
    const ms = Date.parse(time);
    this.span = undefined;
    this.parent = undefined;
    if (span) {
      span.setAttribute('frontrunner.run.status', status);
      if ('error' in reply) this.failed(span, reply.error);
      else span.setAttribute('frontrunner.winner', reply.answeredBy);
      this.spans.end(span, ms);
    }
    // They end right away, so what is left of them is no work in the background.
    if (this.run.losers === 'cancel') this.endMs = ms;
    else for (const attempt of this.attempts) attempt.goOn(ms, runOf(this.run));
  }

  private failed(span: Span, { code, message }: { code: string; message: string }): void {
    span.setAttribute('error.type', code);
    if (code !== 'run-cancelled') span.setStatus({ code: this.spans.api.SpanStatusCode.ERROR, message });
  }
}

/** Attributes by which the traces of background attempts can be found. Children of the run's span don't need them. */
function runOf({ id, task }: TracedRun): Attributes {
  return { 'frontrunner.run.id': id, 'frontrunner.task': task };
}
