/** A unit of a stream, such as an event or a line. */
export interface Frame {
  readonly text: string;
  /** The event's type, in an event stream. */
  readonly event?: string | undefined;
}

/** A stream that can’t be cut into frames, or a frame that can’t be used. */
export class FrameError extends Error {
  /** @param frame the beginning of the frame, if known */
  constructor(
    message: string,
    readonly frame = '',
  ) {
    super(message);
    this.name = 'FrameError';
  }
}

/**
 * Splits a body into frames, independently of how its bytes are split into pieces. Frames before an error are delivered before
 * {@link FrameError} is thrown.
 */
export interface FrameDecoder {
  write(piece: Buffer): Iterable<Frame>;
  /** Called at the end of the body. */
  end(): Iterable<Frame>;
}

export function tooLarge(maxBytes: number): FrameError {
  return new FrameError(`a frame of its stream has more than ${maxBytes} bytes; maxResponse is that bound`);
}
