import { eventView } from '../core/events.js';
import type { RunEvent } from '../core/events.js';

/** How long a reader waits before it connects again, in milliseconds. */
const RETRY_MS = 2_000;

/** The headers of an event stream; `X-Accel-Buffering` keeps nginx from holding events back. */
export const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
};

/** An event as a server-sent event (WHATWG HTML, 9.2). */
export function eventText(event: RunEvent): string {
  return messageText(event.type, eventView(event), event.id);
}

/** @param id left out where readers must not continue after the message */
export function messageText(event: string, data: object, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/**
 * The beginning of a stream. It is sent at once, so that every proxy passes the headers on. It has no blank line, like all texts without
 * data: many readers take a blank line for the end of a message.
 */
export const OPENING = `retry: ${RETRY_MS}\n`;

/** A comment, which shows that the connection is alive. */
export const BEAT = ':\n';

/** Tells a reader up to which id it has everything. So a reader without events for long need not read the log from an old cursor. */
export function cursorText(id: number): string {
  return messageText('cursor', { id, type: 'cursor' }, id);
}
