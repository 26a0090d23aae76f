import { TextDecoder } from 'node:util';
import { FrameError, type Frame, type FrameDecoder } from './frame-decoder.js';
import { charsetOf, isJson, isText } from './media-type.js';

/** Makes a decoder that passes pieces on as they come: as texts if the Content-Type is a text or JSON, else as base64. */
export function bytesDecoder(contentType: string | string[] | undefined): FrameDecoder {
  return isText(contentType) || isJson(contentType)
    ? new TextPieces(charsetOf(contentType))
    : new Base64Pieces();
}

/** A character whose bytes come in two pieces belongs to the second. */
class TextPieces implements FrameDecoder {
  private readonly message: string;
  private readonly decoder: TextDecoder;
  private hasBegun = false;

  constructor(charset: string) {
    this.message = `its body is no text in ${JSON.stringify(charset.slice(0, 40))}`;
    this.decoder = this.attempt(() => new TextDecoder(charset, { fatal: true, ignoreBOM: true }));
  }

  write(piece: Buffer): Iterable<Frame> {
    return this.framesOf(this.attempt(() => this.decoder.decode(piece, { stream: true })));
  }

  end(): Iterable<Frame> {
    return this.framesOf(this.attempt(() => this.decoder.decode()));
  }

  /** Removes the byte order mark. Node's decoder would remove two of them when the first is split over two pieces. */
  private framesOf(text: string): Frame[] {
    if (this.hasBegun || text === '') return framesOf(text);
    this.hasBegun = true;
    return framesOf(text.replace(/^\ufeff/, ''));
  }

  private attempt<T>(decode: () => T): T {
    try {
      return decode();
    } catch {
      throw new FrameError(this.message);
    }
  }
}

/**
 * Three bytes make four characters. One or two bytes that are left over wait for the next piece, so that all pieces together form one
 * base64 text.
 */
class Base64Pieces implements FrameDecoder {
  private rest = Buffer.alloc(0);

  write(piece: Buffer): Iterable<Frame> {
    const bytes = Buffer.concat([this.rest, piece]);
    const whole = bytes.length - (bytes.length % 3);
    this.rest = bytes.subarray(whole);
    return framesOf(bytes.toString('base64', 0, whole));
  }

  end(): Iterable<Frame> {
    return framesOf(this.rest.toString('base64'));
  }
}

function framesOf(text: string): Frame[] {
  return text === '' ? [] : [{ text }];
}
