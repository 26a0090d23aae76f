import type { StringValue } from 'ms';
import { v7 as uuidv7 } from 'uuid';
import type { EventType, NewEvent } from '../../src/core/events.js';
import type { Labels } from '../../src/core/labels.js';
import type { JsonValue } from '../../src/core/json.js';
import type { LosersPolicy, ReplyPolicy } from '../../src/core/policies.js';
import { runOf, type RunRecord } from '../../src/core/run-record.js';
import type { PastEvent } from './database-file.js';

interface Options {
  readonly input?: JsonValue;
  readonly reply?: ReplyPolicy;
  readonly losers?: LosersPolicy;
  readonly labels?: Labels;
  readonly deadline?: StringValue;
  /** How long ago all that happened, in milliseconds. */
  readonly agoMs?: number;
  readonly onBreak?: 'restart';
  readonly shadows?: readonly string[];
}

/** What an earlier process has left of a run, told event by event. */
export class PastRun {
  readonly id = uuidv7();
  readonly events: PastEvent[] = [];
  private readonly agoMs: number;
  private readonly labels: Labels | undefined;

  constructor(
    private readonly task: string,
    private readonly subTasks: readonly string[],
    {
      input = null,
      reply = { policy: 'first-success' },
      losers = 'continue',
      labels,
      deadline,
      agoMs = 0,
      onBreak,
      shadows,
    }: Options = {},
  ) {
    this.agoMs = agoMs;
    this.labels = labels;
    const data = {
      input,
      replyPolicy: reply,
      losers,
      subTasks,
      ...(onBreak && { onBreak }),
      ...(shadows && { shadows }),
    };
    this.add('run.started', deadline === undefined ? data : { ...data, deadline });
  }

  started(...subTasks: readonly string[]): this {
    for (const subTask of subTasks) this.add('sub-task.started', {}, subTask, this.attempts(subTask) + 1);
    return this;
  }

  startedBy(trigger: 'failure' | 'failed-attempt' | 'exploration', subTask: string): this {
    return this.add('sub-task.started', { trigger }, subTask, this.attempts(subTask) + 1);
  }

  succeeded(subTask: string, result: JsonValue = `${subTask} of before`): this {
    return this.add('sub-task.succeeded', { result, durationMs: 1 }, subTask);
  }

  streamed(subTask: string, first: number, ...chunks: readonly JsonValue[]): this {
    return this.add('sub-task.streamed', { first, chunks }, subTask);
  }

  failed(subTask: string, more: { readonly final?: true } = {}): this {
    return this.add('sub-task.failed', { error: { ...ERROR, ...more }, durationMs: 1 }, subTask);
  }

  skipped(subTask: string, reason: string): this {
    return this.add('sub-task.skipped', { reason }, subTask);
  }

  /** Its last attempt failed, and the next is due in a while from now. */
  retrying(subTask: string, dueInMs: number, delayMs = Math.max(0, dueInMs)): this {
    const dueAt = new Date(Date.now() + dueInMs).toISOString();
    return this.add('sub-task.retrying', { error: ERROR, delayMs, dueAt }, subTask);
  }

  replied(answeredBy: string, result: JsonValue = `${answeredBy} of before`): this {
    const background = this.subTasks.filter((name) => name !== answeredBy);
    return this.add('run.replied', { reply: { answeredBy, result }, status: 'running', background });
  }

  /** Its caller was told that a deadline came first. */
  late(): this {
    const error = {
      code: 'deadline-exceeded',
      message: 'late',
      failures: [],
      missing: [...this.subTasks],
    } as const;
    return this.add('run.replied', { reply: { error }, status: 'running', background: [...this.subTasks] });
  }

  /** What is on record of it, as if its events were the last ones before the log begins. */
  get record(): RunRecord {
    const time = new Date(Date.now() - this.agoMs).toISOString();
    return runOf(this.events.map((event, index) => ({ ...event, id: index + 1 - this.events.length, time })));
  }

  private add<T extends EventType>(
    type: T,
    data: NewEvent<T>['data'],
    subTask?: string,
    attempt = this.attempts(subTask),
  ): this {
    const about = {
      ...{ type, runId: this.id, task: this.task, agoMs: this.agoMs },
      ...(this.labels && { labels: this.labels }),
    };
    this.events.push({ ...about, ...(subTask !== undefined && { subTask, attempt }), data } as PastEvent);
    return this;
  }

  private attempts(subTask: string | undefined): number {
    return this.events.filter((event) => event.type === 'sub-task.started' && event.subTask === subTask)
      .length;
  }
}

const ERROR = { code: 'threw', message: 'failed before' } as const;
