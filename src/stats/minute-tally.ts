import { z } from 'zod';
import { DurationHistogram } from './duration-histogram.js';

export const MINUTE_MS = 60_000;

/** Statistics of a task's runs in a minute. Takes 2 kB as a rule, and 10 kB where replies take days. */
export class MinuteTally {
  runs = 0;
  replies = 0;
  errors = 0;
  /** Hedges, and what the hedge budget held back. */
  extraStarts = 0;
  heldBack = 0;
  /** By how much hedges brought replies sooner, in milliseconds. */
  savedMs = 0;
  /** Reply times of runs with the policy that the task declared then. */
  times = new DurationHistogram(1);

  add(other: MinuteTally): void {
    for (const count of COUNTS) this[count] += other[count];
    this.times.add(other.times);
  }
}

const COUNTS = [
  'runs',
  'replies',
  'errors',
  'extraStarts',
  'heldBack',
  'savedMs',
] as const satisfies readonly (keyof MinuteTally)[];

const count = z.number().min(0);

export const minuteSchema = z
  .object({
    ...(Object.fromEntries(COUNTS.map((name) => [name, count])) as Record<
      (typeof COUNTS)[number],
      typeof count
    >),
    times: z.string().transform((text) => DurationHistogram.of(text, 1)),
  })
  .transform((minute) => Object.assign(new MinuteTally(), minute));
