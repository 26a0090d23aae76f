import type { RunEvent } from '../core/events.js';
import { eventLine } from './said.js';

/** Least time between two lines about chunks of the same stream, by the service's clock, in milliseconds. */
const PAUSE_MS = 1_000;

/**
 * Lines for events, for output that isn't a terminal. A stream has a line for its first chunks, and then for the newest ones, at most
 * once a second.
 */
export class EventLines {
  /** When the last line about an attempt's chunks was written, for attempts under way. */
  private readonly told = new Map<string, number>();

  /** @returns undefined where the event has no line */
  of(event: RunEvent): string | undefined {
    if (!('subTask' in event) || event.type === 'sub-task.progressed') return eventLine(event);
    const key = `${event.runId} ${event.subTask}`;
    if (event.type !== 'sub-task.streamed') {
      this.told.delete(key);
      return eventLine(event);
    }
    const at = Date.parse(event.time);
    const before = this.told.get(key);
    if (before !== undefined && at - before < PAUSE_MS) return undefined;
    this.told.set(key, at);
    return eventLine(event);
  }
}
