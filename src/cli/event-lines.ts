import type { RunEvent } from '../core/events.js';
import { eventLine } from './said.js';

/** Between two lines about the chunks of one stream, by the time of the service. */
const PAUSE_MS = 1_000;

/** Lines of events, for what is no terminal. Of a stream its first chunks have a line, and then the newest, once a second at most. */
export class EventLines {
  /** When a line told of the chunks of an attempt that goes on. */
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
