import type { StreamShape } from '../support/streams-protocol.ts';

/** The winner of a race, a stream of three seconds, and who loses against it. */
export const RACE: StreamShape = { firstMs: 50, everyMs: 50, chunks: 60 };
export const SLOWER: StreamShape = { ...RACE, firstMs: 250 };

/** How many of them at once. */
export const RACERS = 100;

/** Streams of a task with one sub-task each. */
export const SHAPES = {
  /** 20 chunks a second, for a minute. */
  steady: { firstMs: 50, everyMs: 50, chunks: 1200 },
  /** Open, and nothing more comes. */
  still: { firstMs: 50, everyMs: 600_000, chunks: 2 },
} as const satisfies Readonly<Record<string, StreamShape>>;

/** How many of them at once. */
export const STREAMS = 1000;

/** One first chunk in a hundred takes a second. */
export const TAIL: StreamShape = { firstMs: 10, everyMs: 5, chunks: 5, slowShare: 0.01 };

/** Streams started a second: few enough that queues in the service are no part of the tail. */
export const TAIL_RATE = 100;

/** Without hedging, and with a second stream after the p95 of the time to the first chunk. */
export const TAIL_VARIANTS = ['none', 'p95'] as const;

export type TailVariant = (typeof TAIL_VARIANTS)[number];

export const STARTS: Readonly<Record<TailVariant, string | undefined>> = {
  none: undefined,
  p95: '{ after: p95, coldStart: 20ms }',
};
