import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { RunEvent } from '../core/events.js';
import { EventBus } from '../events/event-bus.js';
import { ConnectionMemory } from '../http/connection-memory.js';
import { Journal } from '../run/journal.js';
import type { EventPage } from '../run/journal-pages.js';
import { Runs } from '../run/runs.js';
import type { StreamedAnswers } from '../tasks/streamed-answers.js';
import { TasksService } from '../tasks/tasks.service.js';
import type { StartedRun } from '../tasks/started-run.js';
import { EventFeed, BEAT_MS } from './event-feed.js';
import { RunStream, type StreamHost } from './run-stream.js';
import { StreamHold } from './stream-hold.js';
import { STREAMED_TYPES } from './stream-messages.js';
import { EventVoice, type StreamVoice } from './stream-voice.js';

/** How many events are read from the journal at a time. Events that can’t be written then are read again. */
const PAGE_EVENTS = 100;

/** An answer that becomes a stream, in the format of a voice. Default: server-sent events. */
interface VoicedAnswer {
  begin(run: StartedRun, voice?: StreamVoice): Promise<void>;
}

/** The open streams of runs: of callers that started a run, and of readers that come back. */
@Injectable()
export class RunStreams implements StreamedAnswers, StreamHost {
  private readonly streams = new Set<RunStream>();
  private beats: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(
    private readonly journal: Journal,
    private readonly bus: EventBus,
    private readonly runs: Runs,
    private readonly tasks: TasksService,
    private readonly feed: EventFeed,
    readonly memory: ConnectionMemory,
  ) {}

  get stopped(): boolean {
    return this.stopping;
  }

  get lastEventId(): number {
    return this.journal.lastEventId;
  }

  open(request: Request, response: Response): VoicedAnswer {
    this.reserve(response);
    return { begin: (run, voice = new EventVoice(request)) => this.answer(run, response, voice) };
  }

  /** Answers with the part of a stream that a reader doesn’t have yet. @throws {DomainError} `overloaded`, `run-unknown`, `journal-unavailable` */
  async show(runId: string, after: number, response: Response): Promise<void> {
    this.reserve(response);
    await new RunStream(response, this, { runId, after, voice: new EventVoice(response.req) }).begin();
  }

  join(stream: RunStream, runId: string, hear: (event: RunEvent) => void): () => void {
    this.streams.add(stream);
    this.beats ??= setInterval(() => {
      for (const one of this.streams) one.beat();
    }, BEAT_MS).unref();
    return this.bus.watch(runId, hear);
  }

  leave(stream: RunStream): void {
    this.streams.delete(stream);
    if (this.streams.size > 0) return;
    clearInterval(this.beats);
    this.beats = undefined;
  }

  holdOf(runId: string): StreamHold {
    return new StreamHold(() => this.runs.get(runId), this.runs.execution.clock);
  }

  page(
    runId: string,
    after: number,
    wanted: () => boolean,
    isFirst: boolean,
  ): Promise<EventPage | undefined> {
    const query = { runId, after, limit: PAGE_EVENTS, types: STREAMED_TYPES };
    return isFirst ? this.journal.events(this.feed.queryOf(query)) : this.feed.page(query, wanted);
  }

  /** Ends all streams. Called when the runs have stopped; readers connect again. */
  stop(): void {
    this.stopping = true;
    for (const stream of this.streams) stream.end();
  }

  private async answer(run: StartedRun, response: Response, voice: StreamVoice): Promise<void> {
    const { runId, replayed, coalesced } = run;
    const live = this.runs.get(runId);
    // Nothing of a new run is published before this turn is over, so the journal need not be read.
    const isNew = !replayed && !coalesced && live?.lastEventId === 0;
    // The chunks are of this run, so its failure is not replaced by the reply of an earlier run.
    const { stale: _, ...own } = run;
    const whole = (live?.redaction ?? run.reused) && this.tasks.reply(own);
    whole?.catch(() => undefined);
    const stream = new RunStream(response, this, { runId, voice, isNew, whole });
    await this.tasks.recorded(run);
    await stream.begin();
  }

  /** Counts the memory of a stream until its response is closed. @throws {DomainError} `overloaded` */
  private reserve(response: Response): void {
    if (response.closed) return;
    this.feed.reserve();
    response.once('close', () => {
      this.feed.giveBack();
    });
  }
}
