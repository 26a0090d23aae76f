import type { RunEvent } from '../../core/events.js';

/** Replaces an event that the database can't hold: its sub-task fails. Undefined for events that have no such replacement. */
export function storableEvent(event: RunEvent, reason: string): RunEvent | undefined {
  if (event.type === 'sub-task.succeeded') {
    const message = `The result can’t be stored: ${reason}`;
    const data = { error: { code: 'result-unstorable', message }, durationMs: event.data.durationMs };
    return { ...event, type: 'sub-task.failed', data } as RunEvent;
  }
  if (event.type !== 'sub-task.failed' && event.type !== 'sub-task.retrying') return undefined;
  const message = `What it failed with can’t be stored: ${reason}`;
  if (event.data.error.message === message) return undefined;
  return { ...event, data: { ...event.data, error: { code: event.data.error.code, message } } } as RunEvent;
}
