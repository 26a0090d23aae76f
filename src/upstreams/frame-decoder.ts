/** A piece of a stream that counts by itself. */
export interface Frame {
  readonly text: string;
  /** What an event stream calls it. */
  readonly event?: string | undefined;
}

/** A stream that can’t be cut into frames, or a frame that can’t be used. */
export class FrameError extends Error {
  /** @param frame its beginning, where it is known */
  constructor(
    message: string,
    readonly frame = '',
  ) {
    super(message);
    this.name = 'FrameError';
  }
}

/** Cuts a body into frames: the same ones however its bytes come. Each is brought before what is wrong behind it throws a {@link FrameError}. */
export interface FrameDecoder {
  write(piece: Buffer): Iterable<Frame>;
  /** Called at the end of the body. */
  end(): Iterable<Frame>;
}

export function tooLarge(maxBytes: number): FrameError {
  return new FrameError(`a frame of its stream has more than ${maxBytes} bytes; maxResponse is that bound`);
}
