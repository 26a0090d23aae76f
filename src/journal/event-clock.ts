import type { RunEvent } from '../core/events.js';

let lastMs = NaN;
let lastText = '';

/**
 * A time in milliseconds as an RFC 3339 text in UTC. The last text is kept, because every event asks for the time, often within the same
 * millisecond.
 */
export function timeText(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms;
    lastText = new Date(ms).toISOString();
  }
  return lastText;
}

/** Gives an event its number and its time. The event is changed in place: nobody but its maker has it yet. */
export function stamped(event: RunEvent, id: number, ms: number): RunEvent {
  const stampedEvent = event as { id: number; time: string };
  stampedEvent.id = id;
  stampedEvent.time = timeText(ms);
  return event;
}

/** A text that sorts after the ids of all runs created before a time, since ids begin with their time (UUIDv7). @param ms since 1970 */
export function firstIdOf(ms: number): string {
  return ms.toString(16).padStart(12, '0').replace(/^.{8}/, '$&-');
}
