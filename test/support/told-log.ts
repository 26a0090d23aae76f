import type { EventType, NewEvent, RunEvent, StreamMeasures } from '../../src/core/events.js';
import type { JsonValue } from '../../src/core/json.js';
import type { ReplyPolicy } from '../../src/core/policies.js';

interface ToldRunOptions {
  /** When it starts, in milliseconds since 1970. */
  readonly at: number;
  readonly task?: string;
  readonly reply?: ReplyPolicy;
  readonly subTasks?: readonly string[];
  readonly onBreak?: 'restart';
  readonly shadows?: readonly string[];
}

/** A log of committed events as a test tells it: each event has the next number, and the time that is told. */
export class ToldLog {
  readonly events: RunEvent[] = [];
  private runs = 0;

  run(options: ToldRunOptions): ToldRun {
    return new ToldRun(this.events, `r${++this.runs}`, options);
  }

  /** A whole run of `a` and `b`, whose reply took so long; `b` is skipped. */
  reply(durationMs: number, options: ToldRunOptions): ToldRun {
    return this.run(options)
      .started(0, 'a')
      .succeeded(durationMs, 'a')
      .replied(durationMs, 'a')
      .skipped(durationMs, 'b')
      .finished(durationMs);
  }
}

/** One run of it. Times are milliseconds since its start, and the durations of sub-tasks what they make of them. */
export class ToldRun {
  private readonly task: string;
  private readonly startMs: number;
  private readonly startedAt = new Map<string, number>();
  private readonly attempts = new Map<string, number>();

  constructor(
    private readonly log: RunEvent[],
    readonly id: string,
    {
      at,
      task = 'task',
      reply = { policy: 'first-success' },
      subTasks = ['a', 'b'],
      onBreak,
      shadows,
    }: ToldRunOptions,
  ) {
    this.task = task;
    this.startMs = at;
    const terms = { replyPolicy: reply, losers: 'continue' as const, ...(onBreak && { onBreak }) };
    this.tell('run.started', 0, { input: null, ...terms, subTasks, ...(shadows && { shadows }) });
  }

  started(ms: number, subTask: string, data: NewEvent<'sub-task.started'>['data'] = {}): this {
    this.attempts.set(subTask, (this.attempts.get(subTask) ?? 0) + 1);
    if (!this.startedAt.has(subTask)) this.startedAt.set(subTask, ms);
    return this.tell('sub-task.started', ms, data, subTask);
  }

  /** Starts a sub-task because its time has come. */
  hedged(ms: number, subTask: string): this {
    return this.started(ms, subTask, { trigger: 'delay', delayMs: ms });
  }

  heldBack(ms: number, subTask: string): this {
    return this.tell('sub-task.held-back', ms, { delayMs: ms, hedgeBudget: 0.1 }, subTask);
  }

  progressed(ms: number, subTask: string, value: JsonValue): this {
    return this.tell('sub-task.progressed', ms, { value }, subTask);
  }

  streamed(ms: number, subTask: string, chunks: readonly JsonValue[], first = 0): this {
    return this.tell('sub-task.streamed', ms, { first, chunks: [...chunks] }, subTask);
  }

  retrying(ms: number, subTask: string, stream?: StreamMeasures): this {
    const data = { error: ERROR, delayMs: 0, dueAt: this.time(ms), ...(stream && { stream }) };
    return this.tell('sub-task.retrying', ms, data, subTask);
  }

  succeeded(ms: number, subTask: string, result: JsonValue = 1, stream?: StreamMeasures): this {
    const data = { result, durationMs: this.sinceStart(ms, subTask), ...(stream && { stream }) };
    return this.tell('sub-task.succeeded', ms, data, subTask);
  }

  failed(ms: number, subTask: string, stream?: StreamMeasures): this {
    const data = { error: ERROR, durationMs: this.sinceStart(ms, subTask), ...(stream && { stream }) };
    return this.tell('sub-task.failed', ms, data, subTask);
  }

  cancelled(ms: number, subTask: string, stream?: StreamMeasures): this {
    const data = {
      reason: 'not needed',
      durationMs: this.sinceStart(ms, subTask),
      ...(stream && { stream }),
    };
    return this.tell('sub-task.cancelled', ms, data, subTask);
  }

  skipped(ms: number, subTask: string, reason = 'not needed'): this {
    return this.tell('sub-task.skipped', ms, { reason }, subTask);
  }

  /**
   * @param durationMs null for an event of old, which doesn't have it
   * @param firstChunkMs of the stream that callers were shown
   */
  replied(
    ms: number,
    answeredBy: string | readonly string[],
    durationMs: number | null = ms,
    firstChunkMs?: number,
    result: JsonValue = 1,
  ): this {
    return this.tell('run.replied', ms, {
      ...(durationMs !== null && { durationMs }),
      ...(firstChunkMs !== undefined && { firstChunkMs }),
      reply: { answeredBy, result },
      status: 'running',
      background: [],
    });
  }

  defeated(ms: number, code: 'run-failed' | 'run-cancelled' = 'run-failed'): this {
    const error = { code, message: 'defeated', failures: [] };
    return this.tell('run.replied', ms, {
      durationMs: ms,
      reply: { error },
      status: 'failed',
      background: [],
    });
  }

  finished(ms: number, status: RunEvent<'run.finished'>['data']['status'] = 'succeeded'): this {
    return this.tell('run.finished', ms, { status });
  }

  reopened(ms: number): this {
    return this.tell('run.reopened', ms, {});
  }

  erased(ms: number): this {
    return this.tell('run.erased', ms, {});
  }

  private tell<T extends EventType>(type: T, ms: number, data: NewEvent<T>['data'], subTask?: string): this {
    const about = subTask !== undefined && { subTask, attempt: this.attempts.get(subTask) ?? 0 };
    this.log.push({
      type,
      runId: this.id,
      task: this.task,
      ...about,
      data,
      id: this.log.length + 1,
      time: this.time(ms),
    } as RunEvent);
    return this;
  }

  private time(ms: number): string {
    return new Date(this.startMs + ms).toISOString();
  }

  private sinceStart(ms: number, subTask: string): number {
    return ms - (this.startedAt.get(subTask) ?? 0);
  }
}

const ERROR = { code: 'threw', message: 'failed' } as const;
