import type { StreamedBody } from './streamed-body.js';

/** A response of an upstream. */
export interface UpstreamResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Decompressed; only its beginning, for a response that is no success. */
  readonly body: Buffer;
  /** The body as it comes, if that was asked for. The receiver must read it to its end, or leave it. */
  readonly stream?: StreamedBody;
}

/** How much of a response is read. */
export interface ReadingTerms {
  /** Most bytes of a body, both on the wire and decompressed. */
  readonly maxBytes: number;
  /** Whether to read all of a response with this status. For others, an excerpt suffices. */
  readonly accepts: (status: number) => boolean;
  /**
   * Whether an accepted response can be read as a stream, by its Content-Type; if not, an excerpt suffices. Default: all are read as a
   * whole.
   */
  readonly streams?: ((contentType: string | string[] | undefined) => boolean) | undefined;
}

/** A response with an accepted status that can't be used. */
export class UnfitResponse extends Error {
  constructor(
    message: string,
    readonly response: UpstreamResponse,
  ) {
    super(message);
    this.name = 'UnfitResponse';
  }
}
