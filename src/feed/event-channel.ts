import type { EventType, RunEvent } from '../core/events.js';
import { indexBehind } from '../core/event-order.js';
import { hasLabels } from '../core/labels.js';
import { memoryBytes } from '../core/json.js';
import { eventText } from './server-sent-events.js';

/** How many of the newest events are kept for the readers of a channel, and their approximate memory in bytes. */
const MAX_EVENTS = 10_000;
const MAX_BYTES = 16 * 2 ** 20;
/** A batch for a reader ends with the event that makes it larger than this, in characters. */
const MAX_BATCH = 64 * 2 ** 10;

/** Which events a reader wants. */
export interface EventFilter {
  readonly runId?: string | undefined;
  readonly task?: string | undefined;
  /** The `clientId` of the caller that started the run. */
  readonly client?: string | undefined;
  readonly types?: readonly EventType[] | undefined;
  /** The run of the events has all of these labels, each as `name:value`. */
  readonly labels?: readonly string[] | undefined;
}

/** A reader that gets events as they come. */
export interface EventReader {
  /** Takes the events after its cursor, as far as its connection has room. */
  pump(): void;
  /** Shows that the connection is alive. */
  beat(): void;
  end(): void;
}

/** Events in the form in which readers get them. */
export interface Batch {
  /** Undefined when there are no events. */
  readonly text: Buffer | undefined;
  /** The cursor of a reader that has the batch: it has everything up to this id. */
  readonly next: number;
  /** The last event of the text. */
  readonly last?: RunEvent;
}

interface Entry {
  readonly id: number;
  readonly event: RunEvent;
  readonly bytes: number;
  /** Made when the first reader takes the event. */
  text?: string;
}

/**
 * Keeps the newest events that fit a filter, for all readers with that filter. The text of an event is made once for all readers, and a batch
 * that several readers take is one buffer.
 */
export class EventChannel {
  readonly readers = new Set<EventReader>();
  private entries: Entry[] = [];
  private bytes = 0;
  /** All matching events after this one that were published are among the entries. */
  private since: number;
  /** The last event that was looked at. */
  private seen: number;
  private unread = 0;
  private unreadBytes = 0;
  private lastBatch: { readonly firstId: number; readonly lastId: number; readonly text: Buffer } | undefined;

  /** @param since the last event that was published before the channel hears of events */
  constructor(
    private readonly filter: EventFilter,
    since: number,
  ) {
    this.since = since;
    this.seen = since;
  }

  /** Whether readers should be called at once, because unread events are half of the kept ones. */
  get pressing(): boolean {
    return this.unread > MAX_EVENTS / 2 || this.unreadBytes > MAX_BYTES / 2;
  }

  /** Adds the events that fit. @returns false when none does */
  add(events: readonly RunEvent[]): boolean {
    const before = this.unread;
    for (const event of events) {
      this.seen = event.id;
      if (!this.fits(event)) continue;
      // Twice, because the event's text will be kept too.
      const bytes = 2 * (200 + memoryBytes(event.data));
      this.entries.push({ id: event.id, event, bytes });
      this.bytes += bytes;
      this.unread += 1;
      this.unreadBytes += bytes;
    }
    this.forgetOldest();
    return this.unread > before;
  }

  /** Called when the channel's readers are about to read. */
  calledReaders(): void {
    this.unread = 0;
    this.unreadBytes = 0;
  }

  /** The events after `after`; undefined when the channel no longer keeps all of them. */
  read(after: number): Batch | undefined {
    if (after < this.since) return undefined;
    const first = indexBehind(this.entries, after);
    let size = 0;
    let end = first;
    for (; size <= MAX_BATCH; end += 1) {
      const entry = this.entries[end];
      if (!entry) break;
      size += (entry.text ??= eventText(entry.event)).length;
    }
    const lastEntry = this.entries[end - 1];
    if (end === first || !lastEntry) return { text: undefined, next: Math.max(after, this.seen) };
    return {
      text: this.textOf(first, end),
      next: end === this.entries.length ? this.seen : lastEntry.id,
      last: lastEntry.event,
    };
  }

  /** Drops the events of a run, and all events before them: readers that are behind read the journal. @param runId undefined for all runs */
  forget(runId: string | undefined): void {
    this.forgetFirst(
      this.entries.findLastIndex(({ event }) => runId === undefined || event.runId === runId) + 1,
    );
  }

  private textOf(first: number, end: number): Buffer {
    const entries = this.entries.slice(first, end);
    const [firstId = 0, lastId = 0] = [entries[0]?.id, entries.at(-1)?.id];
    if (this.lastBatch?.firstId !== firstId || this.lastBatch.lastId !== lastId)
      this.lastBatch = { firstId, lastId, text: Buffer.from(entries.map(({ text }) => text).join('')) };
    return this.lastBatch.text;
  }

  private fits({ type, task, client, labels }: RunEvent): boolean {
    const { task: wanted, client: whose, types, labels: under } = this.filter;
    return (
      (wanted === undefined || task === wanted) &&
      (whose === undefined || client === whose) &&
      (types?.includes(type) ?? true) &&
      hasLabels(labels, under)
    );
  }

  private forgetOldest(): void {
    let count = 0;
    let { bytes } = this;
    for (; this.entries.length - count > MAX_EVENTS || bytes > MAX_BYTES; count += 1)
      bytes -= this.entries[count]?.bytes ?? 0;
    this.forgetFirst(count);
  }

  private forgetFirst(count: number): void {
    if (count === 0) return;
    const gone = this.entries.splice(0, count);
    for (const { bytes } of gone) this.bytes -= bytes;
    this.since = gone.at(-1)?.id ?? this.since;
    this.lastBatch = undefined;
  }
}
