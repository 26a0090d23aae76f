import { ByteCollector } from './byte-collector.js';
import { FrameError, tooLarge, type Frame, type FrameDecoder } from './frame-decoder.js';

const LINE_FEED = 0x0a;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Splits a body in UTF-8 into its non-empty lines. The last line may lack its line break. The content of lines isn’t checked. */
export class NdjsonDecoder implements FrameDecoder {
  private rest: ByteCollector;

  /** @param maxBytes how long a line may be */
  constructor(private readonly maxBytes: number) {
    this.rest = new ByteCollector(maxBytes);
  }

  *write(piece: Buffer): Iterable<Frame> {
    let start = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, start)) {
      this.keep(piece.subarray(start, end));
      start = end + 1;
      yield* this.end();
    }
    this.keep(piece.subarray(start));
  }

  *end(): Iterable<Frame> {
    const { bytes } = this.rest;
    this.rest = new ByteCollector(this.maxBytes);
    const text = textOf(bytes).trim();
    if (text !== '') yield { text };
  }

  private keep(bytes: Buffer): void {
    if (this.rest.length + bytes.length > this.maxBytes) throw tooLarge(this.maxBytes);
    if (bytes.length > 0) this.rest.add(bytes);
  }
}

function textOf(line: Buffer): string {
  try {
    return utf8.decode(line);
  } catch {
    throw new FrameError('a line of its stream is no text in UTF-8', line.toString());
  }
}
