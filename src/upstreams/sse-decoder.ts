import { createParser } from 'eventsource-parser';
import { tooLarge, type Frame, type FrameDecoder, type FrameError } from './frame-decoder.js';

/** How much larger than its data an event may be, in bytes, for the names of fields and the type of the event. */
const BESIDE_DATA = 1_024;

/**
 * Splits an event stream (`text/event-stream`, https://html.spec.whatwg.org/multipage/server-sent-events.html) into events. It is always
 * read as UTF-8, with broken characters replaced. The last event counts only if an empty line follows.
 */
export class SseDecoder implements FrameDecoder {
  // The parser takes the byte order mark off.
  private readonly utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  private frames: Frame[] = [];
  private failure: FrameError | undefined;
  private readonly parser;

  /** @param maxBytes how large the data of an event may be */
  constructor(private readonly maxBytes: number) {
    this.parser = createParser({
      maxBufferSize: maxBytes + BESIDE_DATA,
      onEvent: ({ event, data }) => {
        if (Buffer.byteLength(data) > maxBytes) this.failure ??= tooLarge(maxBytes);
        else if (!this.failure) this.frames.push({ text: data, event });
      },
      onError: ({ type }) => {
        if (type === 'max-buffer-size-exceeded') this.failure ??= tooLarge(maxBytes);
      },
    });
  }

  *write(piece: Buffer): Iterable<Frame> {
    this.parser.feed(this.utf8.decode(piece, { stream: true }));
    const { frames } = this;
    // Frames are not held back until the next piece, which may take long.
    this.frames = [];
    yield* frames;
    if (this.failure) throw this.failure;
  }

  end(): Iterable<Frame> {
    return [];
  }
}
