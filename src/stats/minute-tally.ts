import { z } from 'zod';
import { DurationHistogram } from './duration-histogram.js';

export const MINUTE_MS = 60_000;

/** Statistics of a task's runs in a minute. Takes 2 kB as a rule, and 10 kB when replies take days. */
export class MinuteTally {
  runs = 0;
  replies = 0;
  errors = 0;
  /** Starts of hedges and starts to learn (`exploration`). `heldBack`: hedges for which the budget had no room. */
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
