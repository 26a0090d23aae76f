import { z } from 'zod';
import { DurationHistogram, histogramSchema } from './duration-histogram.js';

/** Replies of which callers were shown the stream. */
export class StreamedReplies {
  /** From the start of a run to the first chunk that was shown. */
  firstChunks = new DurationHistogram();
  /** From the start of a run to its reply. */
  durations = new DurationHistogram();

  add({ firstChunks, durations }: StreamedReplies): void {
    this.firstChunks.add(firstChunks);
    this.durations.add(durations);
  }
}

export const streamedRepliesSchema = z
  .object({ firstChunks: histogramSchema, durations: histogramSchema })
  .transform((replies) => Object.assign(new StreamedReplies(), replies));
