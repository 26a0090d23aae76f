import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventChannel, EventReader } from './event-channel.js';

/** Pause between rounds of readers, in milliseconds: events of that time go to each reader in one piece. */
const ROUND_MS = 50;
/** Largest share of the event loop’s time for readers: the more readers, the longer the pauses. */
const SHARE = 1 / 20;
/** Longest pause between rounds, in milliseconds. */
const LONGEST_PAUSE_MS = 2_000;
/** The share while readers fall so far behind that they would soon have to read the journal, which costs more. */
const PRESSING_SHARE = 1 / 4;
/** How long readers are called within one turn of the event loop, in milliseconds. */
const TURN_MS = 1;

/** Calls the readers of channels that have something new: at once after a quiet time, else in rounds. */
export class ReaderRounds {
  private readonly channels = new Set<EventChannel>();
  private timer: NodeJS.Timeout | undefined;
  /** When the timer is due. */
  private dueAt = Infinity;
  private lastRoundAt = -Infinity;
  /** The time of the last round, and of reads between that round and the one before, in milliseconds. */
  private lastTookMs = 0;
  private calling = false;
  /** How long readers took since the last round, in milliseconds. */
  private spentMs = 0;

  /** Calls the readers of a channel, now or in the next round. */
  announce(channel: EventChannel): void {
    this.channels.add(channel);
    this.schedule(channel.pressing);
  }

  /** Calls one reader between rounds. */
  pump(reader: EventReader): void {
    const startedAt = performance.now();
    reader.pump();
    this.spentMs += performance.now() - startedAt;
  }

  /** Calls readers, over as many turns of the event loop as that takes. */
  async visit(readers: Iterable<EventReader>, call: (reader: EventReader) => void): Promise<void> {
    let startedAt = performance.now();
    for (const reader of [...readers]) {
      call(reader);
      const tookMs = performance.now() - startedAt;
      if (tookMs < TURN_MS) continue;
      this.spentMs += tookMs;
      await nextTurn();
      startedAt = performance.now();
    }
    this.spentMs += performance.now() - startedAt;
  }

  /** Called when the last reader has left. */
  stop(): void {
    clearTimeout(this.timer);
    this.dueAt = Infinity;
    this.lastTookMs = 0;
    this.channels.clear();
  }

  private schedule(pressing: boolean): void {
    if (this.calling) return;
    const now = performance.now();
    const dueAt = Math.max(now, this.lastRoundAt + Math.max(ROUND_MS, this.pauseMs(pressing)));
    if (this.dueAt <= dueAt) return;
    this.dueAt = dueAt;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.round(), dueAt - now).unref();
  }

  private pauseMs(pressing: boolean): number {
    if (pressing) return this.lastTookMs * (1 / PRESSING_SHARE - 1);
    return Math.min(LONGEST_PAUSE_MS, this.lastTookMs * (1 / SHARE - 1));
  }

  private async round(): Promise<void> {
    this.dueAt = Infinity;
    this.calling = true;
    const channels = [...this.channels];
    this.channels.clear();
    for (const channel of channels) channel.calledReaders();
    await this.visit(
      channels.flatMap(({ readers }) => [...readers]),
      (reader) => reader.pump(),
    );
    this.calling = false;
    this.lastRoundAt = performance.now();
    this.lastTookMs = this.spentMs;
    this.spentMs = 0;
    if (this.channels.size > 0) this.schedule([...this.channels].some(({ pressing }) => pressing));
  }
}
