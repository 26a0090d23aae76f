import type { Reply } from '../../src/core/run.js';
import type { Answer } from '../../src/tasks/started-run.js';
import { toldIn, type RunProblem } from './callers.ts';
import type { StreamRequest, StreamTaskName } from './stream-requests.ts';

/** A message of an event stream. */
export interface StreamMessage {
  /** Of the event in the log; undefined where it stands for none. */
  readonly id: number | undefined;
  readonly event: string;
  readonly data: unknown;
}

/** What a caller was told of one run, over as many connections as it took. */
export interface ToldStream {
  readonly task: StreamTaskName;
  readonly request: StreamRequest;
  readonly runId: string;
  readonly messages: StreamMessage[];
  /** How often the service cut it off, and how often it hung up by itself. */
  cutOff: number;
  hungUp: number;
}

/** What a caller was told in the end, as the proof of answers takes it. */
interface ToldAnswer {
  readonly request: StreamRequest;
  readonly runId: string;
  readonly reply: Reply | undefined;
}

const ENDS = ['run.replied', 'error'];

/** Whether a stream has come to its end. */
export function isOver({ messages }: Pick<ToldStream, 'messages'>): boolean {
  return ENDS.includes(messages.at(-1)?.event ?? '');
}

/** What a reader comes back with; no header before its first message. */
export function lastEventIdHeader({ messages }: ToldStream): Record<string, string> {
  const last = messages.findLast(({ id }) => id !== undefined)?.id;
  return last === undefined ? {} : { 'Last-Event-ID': String(last) };
}

/** What was told in the end of those that have come to it. */
export function answersIn(told: readonly ToldStream[]): ToldAnswer[] {
  return told.filter(isOver).map(({ request, runId, messages }) => {
    const answer = toldIn(messages.at(-1)?.data as Answer | RunProblem);
    return { request, runId, reply: answer?.reply };
  });
}
