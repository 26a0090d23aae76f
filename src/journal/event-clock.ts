import type { RunEvent } from '../core/events.js';

let lastMs = NaN;
let lastText = '';

/** A time in milliseconds as an RFC 3339 text in UTC. Written out once a millisecond: every event asks for it. */
export function timeText(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms;
    lastText = new Date(ms).toISOString();
  }
  return lastText;
}

/** Gives an event its number and its time. It is stamped in place: who appends it made it, and nobody else has it yet. */
export function stamped(event: RunEvent, id: number, ms: number): RunEvent {
  const stampedEvent = event as { id: number; time: string };
  stampedEvent.id = id;
  stampedEvent.time = timeText(ms);
  return event;
}

/** Ids of runs that were created before a time sort before this: they begin with that time (UUIDv7). @param ms since 1970 */
export function firstIdOf(ms: number): string {
  return ms.toString(16).padStart(12, '0').replace(/^.{8}/, '$&-');
}
