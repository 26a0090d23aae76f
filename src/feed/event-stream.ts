import type { Response } from 'express';
import type { RunEvent } from '../core/events.js';
import type { EventPage } from '../run/journal-pages.js';
import type { EventChannel, EventFilter, EventReader } from './event-channel.js';
import type { EventFeed } from './event-feed.js';
import { probeHalfClosed } from './half-closed.js';
import { BEAT, cursorText, eventText, OPENING, STREAM_HEADERS } from './server-sent-events.js';

/** How many events are read from the journal at a time. */
export const PAGE_EVENTS = 500;

/** One reader’s event stream: the events after its cursor, and then new ones. The stream of a single run ends with the run. */
export class EventStream implements EventReader {
  private readonly channel: EventChannel;
  private readonly unprobe: () => void;
  /** A page from the journal that is still to be written. */
  private page: EventPage | undefined;
  /** False before the stream begins, while a page is read, and while the connection is full. */
  private ready = false;
  private begun = false;
  private ended = false;
  private last: RunEvent | undefined;
  /** The id up to which the reader knows that it has all. */
  private known: number | undefined;

  /**
   * Listens to events until the response is closed. Writes nothing before {@link begin}.
   *
   * @param cursor the id after which the stream begins
   * @param asked the id after which the reader has asked to begin, if any
   */
  constructor(
    private readonly response: Response,
    private readonly filter: EventFilter,
    private cursor: number,
    private readonly feed: EventFeed,
    asked: number | undefined,
  ) {
    this.known = asked;
    this.channel = feed.join(filter, this);
    response.once('close', () => {
      this.leave();
    });
    this.unprobe = probeHalfClosed(response, () => {
      this.beat();
    });
  }

  /**
   * Begins to write. While the service stops, the stream ends at once. It isn’t refused with an error: browsers connect again after an end, but
   * give up for good after an error.
   *
   * @param page the page after the cursor, where it was read already
   */
  begin(page?: EventPage): void {
    const { response, feed } = this;
    if (response.req.socket.destroyed) {
      this.leave();
      return;
    }
    this.begun = true;
    this.page = page;
    response.writeHead(200, STREAM_HEADERS);
    response.on('drain', () => {
      this.goOn();
    });
    this.write(OPENING);
    this.tellCursor();
    if (feed.stopped || response.req.method === 'HEAD') this.end();
    else feed.pump(this.filter, this);
  }

  pump(): void {
    while (this.ready && !this.ended) {
      if (this.page) {
        this.writePage(this.page);
        continue;
      }
      const batch = this.channel.read(this.cursor);
      if (!batch) {
        void this.readPage();
        return;
      }
      this.cursor = batch.next;
      if (batch.text === undefined) {
        if (this.last?.type === 'run.finished' && this.filter.runId !== undefined) this.end();
        return;
      }
      this.writeEvents(batch.text, batch.last);
    }
  }

  beat(): void {
    this.pump();
    if (this.ready && !this.ended && !this.tellCursor()) this.write(BEAT);
  }

  end(): void {
    this.leave();
    if (this.begun) this.response.end();
  }

  private leave(): void {
    this.ended = true;
    this.unprobe();
    this.feed.leave(this.filter, this);
  }

  /** Reads a page of the journal. If that fails, the stream ends, and the reader connects again. */
  private async readPage(): Promise<void> {
    const query = { ...this.filter, after: this.cursor, limit: PAGE_EVENTS };
    this.ready = false;
    try {
      this.page = await this.feed.page(query, () => !this.ended);
      this.ready = true;
      this.feed.pump(this.filter, this);
    } catch {
      this.end();
    }
  }

  private writePage({ events, next }: EventPage): void {
    this.page = undefined;
    this.cursor = next;
    if (events.length === 0) return;
    this.writeEvents(events.map(eventText).join(''), events.at(-1));
  }

  private writeEvents(text: string | Buffer, last: RunEvent | undefined): void {
    this.last = last;
    this.known = last?.id;
    this.write(text);
  }

  /** Tells the reader the cursor. @returns false when the reader knows it already */
  private tellCursor(): boolean {
    const { cursor } = this;
    if (this.known === cursor) return false;
    this.known = cursor;
    this.write(cursorText(cursor));
    return true;
  }

  private write(text: string | Buffer): void {
    // With the cork, Node sends the text now, and not after this turn, when the time for it would not be measured.
    this.response.cork();
    this.ready = this.response.write(text);
    this.response.uncork();
    if (!this.ready) this.feed.memory.hold(this.response, this.response.writableLength);
  }

  private goOn(): void {
    if (this.ended) return;
    this.ready = true;
    this.feed.memory.release(this.response);
    this.feed.pump(this.filter, this);
  }
}
