import type { RunEvent } from '../../core/events.js';
import { indexBehind } from '../../core/event-order.js';
import { memoryBytes } from '../../core/json.js';
import { PAGE_SIZE, PAGE_STRETCH, type EventPage, type EventQuery } from '../../run/journal.js';

/** What an event takes besides what its data brings, in bytes, roughly. */
const EVENT_BYTES = 500;

/** Forgotten events are taken out of the log when they take as much as this, or are half of it. */
const FORGOTTEN_BYTES = 32 * 2 ** 20;

/** The events of a run. */
interface RunLog {
  readonly events: RunEvent[];
  bytes: number;
}

/** The committed events of the runs that are kept, in their order. */
export class MemoryLog {
  private events: RunEvent[] = [];
  /** How many of them are of runs that are forgotten, and what they take. */
  private forgotten = 0;
  private forgottenBytes = 0;
  private readonly runs = new Map<string, RunLog>();

  add(event: RunEvent): void {
    let run = this.runs.get(event.runId);
    if (!run) this.runs.set(event.runId, (run = { events: [], bytes: 0 }));
    this.events.push(event);
    run.events.push(event);
    run.bytes += EVENT_BYTES + payloadBytes(event);
  }

  /** What the events of a run take in memory, roughly. */
  bytesOf(runId: string): number {
    return this.runs.get(runId)?.bytes ?? 0;
  }

  forget(runId: string): void {
    const { events, bytes } = this.runs.get(runId) ?? { events: [], bytes: 0 };
    this.runs.delete(runId);
    this.forgotten += events.length;
    this.forgottenBytes += bytes;
    if (this.forgotten < this.events.length / 2 && this.forgottenBytes < FORGOTTEN_BYTES) return;
    this.events = this.events.filter((event) => this.runs.has(event.runId));
    this.forgotten = 0;
    this.forgottenBytes = 0;
  }

  /** Undefined for a run that it has no events of. */
  page({ after, limit, runId, task, types }: EventQuery, upTo: number): EventPage | undefined {
    const all = runId === undefined ? this.events : this.runs.get(runId)?.events;
    if (!all) return undefined;
    const events: RunEvent[] = [];
    let size = 0;
    const first = indexBehind(all, after);
    const stretch = all.slice(first, first + PAGE_STRETCH);
    for (const event of stretch) {
      if (task !== undefined && event.task !== task) continue;
      if (types?.includes(event.type) === false || !this.runs.has(event.runId)) continue;
      events.push(event);
      size += payloadBytes(event);
      if (events.length === limit || size > PAGE_SIZE) return { events, next: event.id };
    }
    const complete = first + PAGE_STRETCH >= all.length;
    return { events, next: complete ? Math.max(after, upTo) : (stretch.at(-1)?.id ?? after) };
  }
}

/** What of an event comes from callers and sub-tasks, in bytes of memory, roughly. */
function payloadBytes({ data }: RunEvent): number {
  if ('input' in data) return memoryBytes(data.input);
  if ('result' in data) return memoryBytes(data.result);
  return 'error' in data ? data.error.message.length * 2 : 0;
}
