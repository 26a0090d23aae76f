import type { EventType, RunEvent } from '../core/events.js';
import type { JsonValue } from '../core/json.js';
import { leadAfter, type LeadTerms, type StreamLead } from '../core/stream-lead.js';

/** The types of events that make the messages of a run's stream. */
export const STREAMED_TYPES = [
  'run.started',
  'sub-task.started',
  'sub-task.streamed',
  'sub-task.retrying',
  'sub-task.failed',
  'sub-task.cancelled',
  'run.replied',
  'run.finished',
] as const satisfies readonly EventType[];

/** Chunks of the stream that callers are shown. */
export interface ChunkMessage {
  readonly event: 'chunk';
  /** The number in the log of the event with these chunks. */
  readonly id: number;
  readonly subTask: string;
  readonly attempt: number;
  /** The position of the first of these chunks in the stream, from 0. */
  readonly first: number;
  readonly chunks: readonly JsonValue[];
}

/** Earlier chunks are void: another attempt is shown from its beginning. */
export interface RestartMessage {
  readonly event: 'restart';
  readonly subTask: string;
  readonly attempt: number;
}

export interface ReplyMessage {
  readonly event: 'reply';
  /** The number of `run.replied` in the log. */
  readonly id: number;
  readonly task: string;
  readonly decision: RunEvent<'run.replied'>['data'];
}

export type StreamMessage = ChunkMessage | RestartMessage | ReplyMessage;

/**
 * Turns the committed events of a run, from the first one on, into messages for a reader of its stream. Nothing else decides, so a reader that
 * comes back after a crash, or to another node, gets the rest of the same messages.
 */
export class StreamMessages {
  private policy: LeadTerms | undefined;
  private lead: StreamLead | undefined;
  /** The position of the next chunk of the leading stream that is not shown yet. */
  private next = 0;
  private hasShown = false;
  private readonly failed = new Set<string>();
  /** The last attempt of each sub-task. */
  private readonly attempts = new Map<string, number>();
  private replied: 'no' | 'error' | 'result' = 'no';
  private finished = false;

  /** @param after messages of events up to this one were told before */
  constructor(private readonly after = 0) {}

  /** Whether no message follows, as the run has its reply or is finished. After an error, a retry on request makes this false again. */
  get over(): boolean {
    return this.replied !== 'no' || this.finished;
  }

  /** Messages of the next event. */
  of(event: RunEvent): StreamMessage[] {
    const messages = this.replied === 'result' ? [] : this.made(event);
    return event.id > this.after ? messages : [];
  }

  private made(event: RunEvent): StreamMessage[] {
    if (event.type === 'run.started') this.policy = event.data;
    if (event.type === 'run.finished') this.finished = true;
    if (event.type === 'sub-task.failed') this.failed.add(event.subTask);
    if (event.type === 'sub-task.retrying' && this.failed.delete(event.subTask)) {
      this.replied = 'no';
      this.finished = false;
    }
    if (event.type === 'run.replied') {
      const { reply } = event.data;
      this.replied = 'error' in reply ? 'error' : 'result';
      const told = { event: 'reply', id: event.id, task: event.task, decision: event.data } as const;
      return 'error' in reply || this.isShown(reply.answeredBy)
        ? [told]
        : [{ event: 'restart', ...this.attemptOf(String(reply.answeredBy)) }, told];
    }
    if (event.type === 'sub-task.started') this.attempts.set(event.subTask, event.attempt);
    if (!this.policy) return [];
    const before = this.lead;
    this.lead = leadAfter(before, this.policy, event);
    if (event.type !== 'sub-task.streamed' || this.replied !== 'no') return [];
    return this.shown(event, before);
  }

  /** Whether the reply is by the sub-task whose chunks were shown, or none were shown. Another stream may have ended before the lead broke off. */
  private isShown(answeredBy: string | readonly string[]): boolean {
    return !this.hasShown || (this.lead?.broken === false && this.lead.subTask === answeredBy);
  }

  private attemptOf(subTask: string): { readonly subTask: string; readonly attempt: number } {
    return { subTask, attempt: this.attempts.get(subTask) ?? 1 };
  }

  private shown(
    { id, subTask, attempt, data }: RunEvent<'sub-task.streamed'>,
    before: StreamLead | undefined,
  ): StreamMessage[] {
    const { lead } = this;
    if (!lead || lead.broken || lead.subTask !== subTask || lead.attempt !== attempt) return [];
    const isNew = lead !== before;
    if (isNew) this.next = 0;
    const first = Math.max(data.first, this.next);
    const chunks = data.chunks.slice(first - data.first);
    if (chunks.length === 0) return [];
    this.next = first + chunks.length;
    const chunk = { event: 'chunk', id, subTask, attempt, first, chunks } as const;
    const isRestart = isNew && this.hasShown;
    this.hasShown = true;
    return isRestart ? [{ event: 'restart', subTask, attempt }, chunk] : [chunk];
  }
}
