import type { Response } from 'express';
import { DomainError } from '../core/domain-error.js';
import type { RunEvent } from '../core/events.js';
import type { ConnectionMemory } from '../http/connection-memory.js';
import type { EventPage } from '../run/journal-pages.js';
import { answerOf } from '../tasks/run-replies.js';
import type { Answer } from '../tasks/started-run.js';
import { probeHalfClosed } from './half-closed.js';
import { BEAT, STREAM_HEADERS } from './server-sent-events.js';
import type { StreamHold } from './stream-hold.js';
import type { StreamVoice } from './stream-voice.js';
import { StreamMessages, type ReplyMessage, type StreamMessage } from './stream-messages.js';

/** What all streams of runs share. */
export interface StreamHost {
  readonly memory: ConnectionMemory;
  /** Whether the runs have stopped. Then each stream ends at once. */
  readonly stopped: boolean;
  /** The id of the last committed event. */
  readonly lastEventId: number;
  /** Passes the events of a run to its stream from now on. @returns a function that ends this */
  join(stream: RunStream, runId: string, hear: (event: RunEvent) => void): () => void;
  leave(stream: RunStream): void;
  holdOf(runId: string): StreamHold;
  /**
   * Reads the events after one that matter to messages.
   *
   * @param wanted asked when the stream is next among all readers; false means: don't read, and resolve with undefined
   * @param isFirst whether the reader still waits for the answer to begin: then the page is read at once
   */
  page(runId: string, after: number, wanted: () => boolean, isFirst: boolean): Promise<EventPage | undefined>;
}

interface Options {
  readonly runId: string;
  readonly voice: StreamVoice;
  /** The last event that the reader has. Default 0. */
  readonly after?: number;
  /** Whether nothing of the run is committed yet. */
  readonly isNew?: boolean;
  /** The answer for the caller, where it differs from the recorded reply: redacted values, or how old a reused reply is. */
  readonly whole?: Promise<Answer> | undefined;
}

/**
 * One reader’s stream of a run: chunks, and then the reply. Committed events are written at once. When the connection is full, nothing more is
 * written; when it has room again, the stream goes on with events from the journal. So no events wait in memory.
 *
 * - `reading`: events are read from the journal, until the reader has all
 * - `live`: the reader has all, and new events are written as they come
 * - `full`: the connection takes no more for now
 * - `ended`: nothing more is written but the reply
 */
export class RunStream {
  private phase: 'reading' | 'live' | 'full' | 'ended' = 'reading';
  private readonly messages: StreamMessages;
  /** Undefined until its connection is full. */
  private hold: StreamHold | undefined;
  /** The last event whose messages were made. */
  private at = 0;
  /** The last event that the stream heard of. */
  private heard = 0;
  private reply: ReplyMessage | undefined;
  /** Resolves when the answer has begun or the reader is gone; rejects with the error to answer. Undefined if the voice doesn’t wait. */
  private readonly opened: PromiseWithResolvers<undefined> | undefined;
  private readonly unwatch: () => void;
  private readonly unprobe: () => void;

  /** Listens to events until the response is closed. */
  constructor(
    private readonly response: Response,
    private readonly streams: StreamHost,
    private readonly options: Options,
  ) {
    if (options.voice.waits) this.opened = Promise.withResolvers();
    this.opened?.promise.catch(() => undefined);
    this.messages = new StreamMessages(options.after);
    this.unwatch = streams.join(this, options.runId, this.hear);
    this.unprobe = probeHalfClosed(response, () => {
      this.beat();
    });
    response.once('close', () => {
      this.leave();
      this.opened?.resolve(undefined);
    });
    response.on('drain', () => {
      this.goOn();
    });
  }

  /**
   * Writes the messages so far, and goes on with new ones. A reader that has all gets 204.
   *
   * @throws {DomainError} `run-unknown`, `journal-unavailable`; if the voice waits for its first message, also the error of a reply before it
   */
  async begin(): Promise<void> {
    const { response, options } = this;
    if (response.closed || response.req.socket.destroyed) {
      this.leave();
      return;
    }
    if (options.isNew && this.heard === 0) this.goLive();
    else
      await this.read().catch((error: unknown) => {
        if (!response.headersSent) throw error;
        this.end();
      });
    await this.opened?.promise;
  }

  beat(): void {
    if (this.phase === 'live' && this.response.headersSent) this.write(BEAT);
  }

  /** Ends the stream before there is a reply. */
  end(): void {
    const { response } = this;
    const { runId, voice } = this.options;
    this.leave();
    const message = 'The service stopped before there was a reply; its next start goes on with the run';
    const error = new DomainError('stopping', message, { runId });
    if (response.headersSent) response.end(voice.error(undefined, error));
    else this.opened?.reject(error);
  }

  private leave(): void {
    this.phase = 'ended';
    this.unwatch();
    this.unprobe();
    this.hold?.release();
    this.streams.leave(this);
  }

  private readonly hear = (event: RunEvent): void => {
    this.heard = event.id;
    if (this.phase !== 'live') return;
    this.take(event);
    if (this.messages.over && !this.options.voice.isOver) void this.finish();
  };

  private take(event: RunEvent): void {
    if (event.id <= this.at) return;
    this.at = event.id;
    const texts = this.messages.of(event).map((message) => this.textOf(message));
    const text = texts.join('');
    if (text !== '') this.write(text);
    if (!this.options.voice.isOver) return;
    this.leave();
    this.response.end();
  }

  /** Reads on from the journal, until the reader has all or can take no more. */
  private async read(): Promise<void> {
    for (;;) {
      const { at, streams } = this;
      const upTo = streams.lastEventId;
      const isFirst = !this.response.headersSent;
      const page = await streams.page(this.options.runId, at, () => this.phase === 'reading', isFirst);
      for (const event of page?.events ?? []) if (this.phase === 'reading') this.take(event);
      if (!page || this.phase !== 'reading') return;
      this.at = page.next;
      const hasAll = (page.next >= upTo || page.next === at) && this.heard <= page.next;
      if (!hasAll) continue;
      if (this.messages.over) await this.finish();
      else this.goLive();
      return;
    }
  }

  private goLive(): void {
    this.phase = 'live';
    if (!this.options.voice.waits) this.writeHead();
    this.hold?.release();
    if (this.streams.stopped || this.response.req.method === 'HEAD') this.end();
  }

  /** Writes the reply, if the reader doesn't have it yet, and ends the answer. */
  private async finish(): Promise<void> {
    const { response, reply } = this;
    this.leave();
    try {
      if (reply) this.write(await this.replyText(reply));
      else if (!response.headersSent) response.status(204);
      response.end();
    } catch (error) {
      if (!this.options.voice.waits || response.headersSent) throw error;
      this.opened?.reject(error);
    }
  }

  private writeHead(): void {
    const { response } = this;
    if (response.headersSent) return;
    response.cork();
    response.writeHead(200, STREAM_HEADERS);
    // Sent alone: joined to the next text, the head would stay in memory as the dozens of pieces that Node makes it of.
    response.flushHeaders();
    response.write(this.options.voice.opening);
    response.uncork();
    this.opened?.resolve(undefined);
  }

  private write(text: string): void {
    const { response } = this;
    // Without the cork Node would send it only when this turn is over.
    response.cork();
    this.writeHead();
    response.write(text);
    response.uncork();
    if (!response.writableNeedDrain) return;
    this.streams.memory.hold(response, response.writableLength);
    if (this.phase === 'ended') return;
    this.phase = 'full';
    this.hold ??= this.streams.holdOf(this.options.runId);
    this.hold.begin();
  }

  private goOn(): void {
    if (this.phase !== 'full') return;
    this.streams.memory.release(this.response);
    this.phase = 'reading';
    // When the journal can’t be read, the stream ends, and the reader connects again.
    this.read().catch(() => {
      this.end();
    });
  }

  private textOf(message: StreamMessage): string {
    const { voice } = this.options;
    if (voice.isOver) return '';
    if (message.event === 'reply') this.reply = message;
    else return message.event === 'restart' ? voice.restart(message) : voice.chunk(message);
    return '';
  }

  /** @throws {DomainError} the error of the reply, if the voice waits for its first message and the answer has not begun */
  private async replyText(reply: ReplyMessage): Promise<string> {
    const { runId, whole, voice } = this.options;
    try {
      const answer = await (whole ?? answerOf(runId, reply.task, reply.decision));
      return await voice.reply(reply, answer);
    } catch (error) {
      if (!(error instanceof DomainError) || (voice.waits && !this.response.headersSent)) throw error;
      return voice.error(reply, error);
    }
  }
}
