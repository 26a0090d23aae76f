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

/** An event as server-sent events have it (WHATWG HTML, 9.2). */
export function eventText(event: RunEvent): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(eventView(event))}\n\n`;
}

/** The beginning of a stream: bytes at once, so that every proxy passes the headers on. */
export function opening(cursor: number): string {
  return `retry: ${RETRY_MS}\n${beat(cursor)}`;
}

/**
 * A comment that shows that the connection is alive, with the id up to which the reader has all: a reader that has seen
 * nothing for long need not be read the log from there.
 */
export function beat(cursor: number): string {
  return `:\nid: ${cursor}\n\n`;
}
