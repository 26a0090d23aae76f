import { z } from 'zod';
import { DurationHistogram, histogramSchema } from './duration-histogram.js';

/** Replies whose stream callers were shown. */
export class StreamedReplies {
  /** Time from the start of a run to the first shown chunk. */
  firstChunks = new DurationHistogram();
  /** Time from the start of a run to its reply. */
  durations = new DurationHistogram();

  add({ firstChunks, durations }: StreamedReplies): void {
    this.firstChunks.add(firstChunks);
    this.durations.add(durations);
  }
}

export const streamedRepliesSchema = z
  .object({ firstChunks: histogramSchema, durations: histogramSchema })
  .transform((replies) => Object.assign(new StreamedReplies(), replies));
