import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { DomainError } from '../core/domain-error.js';
import { Measures } from '../core/measures.js';
import { EventBus } from '../events/event-bus.js';
import { ConnectionMemory } from '../http/connection-memory.js';
import { Journal } from '../run/journal.js';
import type { EventPage, EventQuery } from '../run/journal-pages.js';
import { Runs } from '../run/runs.js';
import { EventChannel, type EventFilter, type EventReader } from './event-channel.js';
import { ReaderRounds } from './reader-rounds.js';

/** Time between two signs of life in a stream, in milliseconds. */
export const BEAT_MS = 15_000;
/** Largest share of time in which pages are read for readers: requests need the journal too. */
const PAGE_SHARE = 1 / 4;
/** Approximate memory of a stream and its connection in bytes, without texts that are not sent yet. */
const STREAM_BYTES = 32 * 2 ** 10;

interface OpenChannel {
  readonly channel: EventChannel;
  /** Leaves the channel. */
  readonly close: () => void;
}

/**
 * Passes events to readers as they are published. It calls the readers, and each takes the events after its own cursor: from the newest
 * events in memory, or if it is further behind, from the journal. So no reader has a queue, and no event is lost or repeated between stored
 * events and new ones.
 */
@Injectable()
export class EventFeed {
  private readonly channels = new Map<string, OpenChannel>();
  /** Readers of one run don’t wait for readers of all runs, who may get a lot. */
  private readonly roundsOfRuns = new ReaderRounds();
  private readonly roundsOfAll = new ReaderRounds();
  private beats: NodeJS.Timeout | undefined;
  /** Settles when the journal is free to be read for the next reader. */
  private turn: Promise<unknown> = Promise.resolve();
  private stopping = false;

  constructor(
    private readonly journal: Journal,
    private readonly bus: EventBus,
    private readonly runs: Runs,
    readonly memory: ConnectionMemory,
    private readonly measures: Measures,
  ) {
    bus.onErased((runId) => {
      for (const { channel } of this.channels.values()) channel.forget(runId);
    });
  }

  /** Whether a stop has begun. From then on, each stream ends as soon as it begins. */
  get stopped(): boolean {
    return this.stopping;
  }

  /**
   * Adds a reader. The first time, the reader must read without being called: see {@link pump}.
   *
   * @throws {DomainError} `overloaded` when connections take as much memory as they may
   */
  join(filter: EventFilter, reader: EventReader): EventChannel {
    this.reserve();
    const key = keyOf(filter);
    const open = this.channels.get(key) ?? this.open(filter);
    this.channels.set(key, open);
    open.channel.readers.add(reader);
    this.beats ??= setInterval(() => void this.beat(), BEAT_MS).unref();
    return open.channel;
  }

  leave(filter: EventFilter, reader: EventReader): void {
    const key = keyOf(filter);
    const open = this.channels.get(key);
    if (!open?.channel.readers.delete(reader)) return;
    this.giveBack();
    if (open.channel.readers.size > 0) return;
    open.close();
    this.channels.delete(key);
    if (this.channels.size > 0) return;
    clearInterval(this.beats);
    this.beats = undefined;
    this.roundsOfRuns.stop();
    this.roundsOfAll.stop();
  }

  /** Counts one more stream of any kind, and what it takes in memory, until {@link giveBack}. @throws {DomainError} `overloaded` as {@link join} */
  reserve(): void {
    if (!this.memory.take(STREAM_BYTES))
      throw new DomainError(
        'overloaded',
        'Event streams and unsent answers take as much memory as is allowed',
      );
    this.measures.streams += 1;
  }

  giveBack(): void {
    this.memory.give(STREAM_BYTES);
    this.measures.streams -= 1;
  }

  /** Lets a reader read now, outside of the rounds. */
  pump({ runId }: EventFilter, reader: EventReader): void {
    (runId === undefined ? this.roundsOfAll : this.roundsOfRuns).pump(reader);
  }

  /** Whether this process executes a run. */
  isLive(runId: string): boolean {
    return this.runs.get(runId) !== undefined;
  }

  /** The id after which to begin. An id past the end of the log is from another log: its reader has nothing of this one, and begins at 0. */
  async known(after: number): Promise<number> {
    const { sharing, lastEventId } = this.journal;
    return (sharing ? await sharing.reaches(after) : after <= lastEventId) ? after : 0;
  }

  /** Adds to a query where the events of a live run are, so that the journal need not search for them. */
  queryOf(query: EventQuery): EventQuery {
    const commits = query.runId === undefined ? undefined : this.runs.get(query.runId)?.commits;
    return commits ? { ...query, commits } : query;
  }

  /**
   * Reads a page of the journal. All readers share one queue, in which one page is read at a time.
   *
   * @param wanted asked when the page is next; false means: don't read it, and resolve with undefined
   */
  page(query: EventQuery, wanted: () => boolean): Promise<EventPage | undefined> {
    let startedAt = 0;
    const page = this.turn.then(() => {
      startedAt = performance.now();
      return wanted() ? this.journal.events(this.queryOf(query)) : undefined;
    });
    const rest = () =>
      delay((performance.now() - startedAt) * (1 / PAGE_SHARE - 1), undefined, { ref: false });
    this.turn = page.then(rest, rest);
    return page;
  }

  /** Ends all streams. Streams that begin later end at once. */
  stop(): void {
    this.stopping = true;
    for (const reader of this.readers()) reader.end();
  }

  private open(filter: EventFilter): OpenChannel {
    const channel = new EventChannel(filter, this.journal.lastEventId);
    if (filter.runId === undefined)
      return {
        channel,
        close: this.bus.watchAll((events) => {
          if (channel.add(events)) this.roundsOfAll.announce(channel);
        }),
      };
    const close = this.bus.watch(filter.runId, (event) => {
      if (channel.add([event])) this.roundsOfRuns.announce(channel);
    });
    return { channel, close };
  }

  private beat(): Promise<void> {
    return this.roundsOfAll.visit(this.readers(), (reader) => reader.beat());
  }

  private readers(): EventReader[] {
    return [...this.channels.values()].flatMap(({ channel }) => [...channel.readers]);
  }
}

function keyOf({ runId, task, client, types, labels }: EventFilter): string {
  const lists = [types, labels].map((list) => list?.toSorted() ?? null);
  return JSON.stringify([runId ?? null, task ?? null, client ?? null, ...lists]);
}
