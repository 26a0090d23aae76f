import type { RunEvent, StreamMeasures } from '../core/events.js';
import { plain, span } from './text.js';

/** Longest result or error that is shown, in characters. A longer one is cut off. */
const MOST_LETTERS = 200;

/** An event as one line, for output that isn't a terminal. */
export function eventLine(event: RunEvent): string {
  const { time, runId, task } = event;
  const of = 'subTask' in event ? ` ${event.subTask}` : '';
  return `${time} ${runId} ${task}${of} ${said(event)}`;
}

/** An event in words. */
export function said(event: RunEvent): string {
  switch (event.type) {
    case 'run.started':
      return `started: ${event.data.subTasks.join(', ')}`;
    case 'sub-task.held-back':
      return 'held back: the hedge budget is spent';
    case 'sub-task.started':
      return `started${event.attempt > 1 ? `, attempt ${event.attempt}` : ''}`;
    case 'sub-task.progressed':
      return `progressed: ${json(event.data.value)}`;
    case 'sub-task.streamed':
      return `streamed ${streamedText(event)}`;
    case 'sub-task.retrying':
      return `failed, the next attempt is due in ${span(event.data.delayMs)}: ${short(event.data.error.message)}`;
    case 'sub-task.succeeded':
      return `succeeded in ${span(event.data.durationMs)}${withStream(event.data)}: ${json(event.data.result)}`;
    case 'sub-task.failed':
      return `failed after ${span(event.data.durationMs)}${withStream(event.data)}: ${short(event.data.error.message)}`;
    case 'sub-task.cancelled':
      return `cancelled after ${span(event.data.durationMs)}${withStream(event.data)}: ${short(event.data.reason)}`;
    case 'sub-task.skipped':
      return `skipped: ${short(event.data.reason)}`;
    case 'run.replied':
      return saidOfReply(event);
    case 'run.finished':
      return `finished: ${event.data.status}`;
    case 'run.reopened':
      return 'reopened';
    case 'run.erased':
      return 'erased';
  }
}

/** How many chunks a stream has so far, and the newest of them. */
export function streamedText({ data: { first, chunks } }: RunEvent<'sub-task.streamed'>): string {
  const text = chunks.map((chunk) => (typeof chunk === 'string' ? chunk : JSON.stringify(chunk))).join('');
  return `${counted(first + chunks.length, 'chunk')}: ${short(text)}`;
}

function withStream({ stream }: { readonly stream?: StreamMeasures }): string {
  if (!stream) return '';
  const { chunks, tokens } = stream;
  return ` with ${counted(chunks, 'chunk')}${tokens === undefined ? '' : ` and ${counted(tokens, 'token')}`}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function saidOfReply({ data: { reply, durationMs, firstChunkMs } }: RunEvent<'run.replied'>): string {
  const first = firstChunkMs === undefined ? '' : `, first chunk after ${span(firstChunkMs)}`;
  const after = durationMs === undefined ? '' : ` after ${span(durationMs)}${first}`;
  return 'answeredBy' in reply
    ? `answered by ${[reply.answeredBy].flat().join(', ')}${after}`
    : `not answered${after}: ${short(reply.error.message)}`;
}

/** JSON on one line, cut off if long. */
export function json(value: unknown): string {
  return short(JSON.stringify(value));
}

/** Foreign text on one line, cut off if long. */
export function short(text: string): string {
  const line = plain(text);
  return line.length > MOST_LETTERS ? `${line.slice(0, MOST_LETTERS).toWellFormed()}…` : line;
}
