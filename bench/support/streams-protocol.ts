/** What an upstream streams: known delays, so that what a service adds to them shows. */
export interface StreamShape {
  /** Until the first chunk, and between two, in milliseconds. */
  readonly firstMs: number;
  readonly everyMs: number;
  readonly chunks: number;
  /** Share of the streams whose first chunk takes {@link SLOW_FIRST_MS}. */
  readonly slowShare?: number;
}

/** As long as the slow first chunks take, in milliseconds. */
export const SLOW_FIRST_MS = 1000;

/** How a stream is asked for. */
export function streamPath({ firstMs, everyMs, chunks, slowShare = 0 }: StreamShape): string {
  return `/stream?${[firstMs, everyMs, chunks, slowShare].join('&')}`;
}

/** @see streamPath */
export function shapeIn(target: string): Required<StreamShape> {
  const [firstMs = 0, everyMs = 0, chunks = 0, slowShare = 0] = target
    .slice('/stream?'.length)
    .split('&')
    .map(Number);
  return { firstMs, everyMs, chunks, slowShare };
}

/** What the bench tells the upstream. */
export interface StreamsUpstreamCommand {
  /** Whether to cut off all streams that are open. */
  readonly drop?: boolean;
}

/** What the upstream was asked since the last lap. */
export interface StreamsUpstreamLap {
  readonly port: number;
  readonly requests: number;
  readonly slow: number;
  readonly chunks: number;
  /** How late its own chunks were by its own timers, in milliseconds: beyond some, it was the bottleneck. */
  readonly lateP99: number;
}

/** What the bench tells the readers of streams. Each command ends a lap, and is answered with it. */
export type StreamCallersCommand =
  | {
      readonly kind: 'open';
      readonly url: string;
      /** Whether to ask the service for runs; else the upstream itself. */
      readonly post: boolean;
      /** So many at once, each one stream after the other, begun evenly over so many milliseconds. */
      readonly count: number;
      readonly rampMs: number;
    }
  | {
      readonly kind: 'pace';
      readonly url: string;
      readonly post: boolean;
      /** Streams begun a second, evenly, however long they take. */
      readonly rate: number;
    }
  | { readonly kind: 'lap' }
  | { readonly kind: 'close' };

/** What readers of streams saw in a lap. */
export interface StreamsLap {
  readonly seconds: number;
  readonly open: number;
  /** Streams that came to their end. */
  readonly completed: number;
  readonly chunks: number;
  /** Streams that broke off, or ended without the reply; answers other than 200; errors and restarts that were told. */
  readonly faults: number;
  /** From sending the request to the first chunk, in milliseconds. */
  readonly firstP50: number;
  readonly firstP99: number;
  readonly firstP999: number;
  /** From the upstream’s writing of a chunk to the reader, in milliseconds. */
  readonly lagP50: number;
  readonly lagP99: number;
  readonly lagMax: number;
  /** CPU time over elapsed time: near 1, the readers were the bottleneck. */
  readonly share: number;
}
