import { z } from 'zod';
import type { StreamMeasures } from '../core/events.js';
import { DurationHistogram, histogramSchema } from './duration-histogram.js';

/** Chunks, bytes and tokens of streams that were given up before their end. */
export class UnusedStreams {
  attempts = 0;
  chunks = 0;
  bytes = 0;
  tokens = 0;

  count({ chunks, bytes, tokens = 0 }: StreamMeasures): void {
    this.add({ attempts: 1, chunks, bytes, tokens });
  }

  add(other: UnusedCounts): void {
    for (const count of COUNTS) this[count] += other[count];
  }

  get counts(): UnusedCounts {
    const { attempts, chunks, bytes, tokens } = this;
    return { attempts, chunks, bytes, tokens };
  }
}

const COUNTS = ['attempts', 'chunks', 'bytes', 'tokens'] as const;

type UnusedCounts = Pick<UnusedStreams, (typeof COUNTS)[number]>;

/** Statistics of a sub-task's streams. */
export class StreamTally {
  /** Time from the start of an attempt to its first chunk that wins. */
  firstChunks = new DurationHistogram();
  cancelled = new UnusedStreams();
  failed = new UnusedStreams();

  add({ firstChunks, cancelled, failed }: StreamTally): void {
    this.firstChunks.add(firstChunks);
    this.cancelled.add(cancelled);
    this.failed.add(failed);
  }
}

const count = z.int().min(0);
const unusedSchema = z
  .object({ attempts: count, chunks: count, bytes: count, tokens: count })
  .transform((counts) => Object.assign(new UnusedStreams(), counts));

export const streamTallySchema = z
  .object({ firstChunks: histogramSchema, cancelled: unusedSchema, failed: unusedSchema })
  .transform((tally) => Object.assign(new StreamTally(), tally));
