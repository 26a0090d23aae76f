import { indexBehind } from '../core/event-order.js';
import type { RunEvent } from '../core/events.js';
import { memoryBytes } from '../core/json.js';
import type { EventBus } from '../events/event-bus.js';
import type { Journal } from '../run/journal.js';
import type { EventPage } from '../run/journal-pages.js';
import type { KnownRuns } from './known-runs.js';

/** How many of the newest events are kept, and their approximate memory, in bytes. */
const MOST_EVENTS = 2_000;
const MOST_BYTES = 8 * 2 ** 20;

/** A reader that follows the log as it grows. */
export interface HeadReader {
  /**
   * @param events the new events; never empty
   * @param before the last event that was told before them
   */
  told(events: readonly RunEvent[], before: number): void;
}

/** The newest events of the log, for all readers that are near its end. Without readers, nothing watches the bus. */
export class LogHead {
  private readonly readers = new Set<HeadReader>();
  private events: RunEvent[] = [];
  private sizes: number[] = [];
  private bytes = 0;
  /** All events that were published after this one are in `events`. */
  private since = 0;
  /** The last event that was published. */
  private seen = 0;
  private unwatch: (() => void) | undefined;

  constructor(
    private readonly journal: Journal,
    private readonly bus: EventBus,
    private readonly runs: KnownRuns,
  ) {}

  join(reader: HeadReader): void {
    this.readers.add(reader);
    if (this.unwatch) return;
    this.since = this.journal.lastEventId;
    this.seen = this.since;
    this.unwatch = this.bus.watchAll(this.add);
  }

  leave(reader: HeadReader): void {
    this.readers.delete(reader);
    if (this.readers.size > 0) return;
    this.unwatch?.();
    this.unwatch = undefined;
    this.drop(this.events.length);
  }

  /** The events after the event `after`, at most `limit`; undefined when some of them are no longer kept. */
  read(after: number, limit: number): EventPage | undefined {
    if (after < this.since) return undefined;
    const first = indexBehind(this.events, after);
    const events = this.events.slice(first, first + limit);
    const isAll = first + events.length === this.events.length;
    return { events, next: isAll ? Math.max(after, this.seen) : (events.at(-1)?.id ?? after) };
  }

  /**
   * Drops the events of an erased run, and all events before them. A reader that is further behind reads the journal.
   *
   * @param runId undefined for all
   */
  forget(runId: string | undefined): void {
    this.drop(this.events.findLastIndex((event) => runId === undefined || event.runId === runId) + 1);
  }

  private readonly add = (events: readonly RunEvent[]): void => {
    const last = events.at(-1);
    if (!last) return;
    const before = this.seen;
    for (const event of events) {
      if (event.type === 'run.started') this.runs.started(event);
      const size = 200 + memoryBytes(event.data);
      this.events.push(event);
      this.sizes.push(size);
      this.bytes += size;
    }
    this.seen = last.id;
    for (const reader of this.readers) reader.told(events, before);
    if (this.events.length <= MOST_EVENTS && this.bytes <= MOST_BYTES) return;
    let dropped = 0;
    for (let { bytes } = this; this.events.length - dropped > MOST_EVENTS / 2 || bytes > MOST_BYTES / 2;)
      bytes -= this.sizes[dropped++] ?? 0;
    this.drop(dropped);
  };

  private drop(count: number): void {
    if (count === 0) return;
    this.since = this.events[count - 1]?.id ?? this.since;
    this.events = this.events.slice(count);
    for (const size of this.sizes.splice(0, count)) this.bytes -= size;
  }
}
