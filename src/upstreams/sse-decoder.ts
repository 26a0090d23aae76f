import { createParser } from 'eventsource-parser';
import { tooLarge, type Frame, type FrameDecoder, type FrameError } from './frame-decoder.js';

/** How much longer than its data an event may be: names of fields, and the name of the event. */
const BESIDE_DATA = 1_024;

/**
 * Brings the events of an event stream (`text/event-stream`, https://html.spec.whatwg.org/multipage/server-sent-events.html): always in
 * UTF-8, broken characters replaced, the last event only with the empty line behind it.
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
    // None is kept until the next piece, which may take long.
    this.frames = [];
    yield* frames;
    if (this.failure) throw this.failure;
  }

  end(): Iterable<Frame> {
    return [];
  }
}
