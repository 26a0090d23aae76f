import type { StreamedBody } from './streamed-body.js';

/** What an upstream answered. */
export interface UpstreamResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Decompressed; of a response that is no success, the beginning alone. */
  readonly body: Buffer;
  /** The body as it comes, where that was asked for. Whoever gets the response reads it to its end, or leaves it. */
  readonly stream?: StreamedBody;
}

/** What of a response is read. */
export interface ReadingTerms {
  /** Most bytes of a body, both on the wire and decompressed. */
  readonly maxBytes: number;
  /** Whether a response of this status is read whole. Of the others, an excerpt is enough. */
  readonly accepts: (status: number) => boolean;
  /** Whether an accepted response can be read as it comes, by its Content-Type; of one that can’t, an excerpt is enough. Default: all are read whole. */
  readonly streams?: ((contentType: string | string[] | undefined) => boolean) | undefined;
}

/** A response that was accepted by its status, and can't be used all the same. */
export class UnfitResponse extends Error {
  constructor(
    message: string,
    readonly response: UpstreamResponse,
  ) {
    super(message);
    this.name = 'UnfitResponse';
  }
}
