import type { z } from 'zod';
import { milliseconds } from '../core/duration.js';
import type { Stretch } from '../run/journal.js';
import { MINUTE_MS, MinuteTally } from './minute-tally.js';
import type { seriesSchema, Step } from './stats.schemas.js';
import type { TaskSlice } from './task-slice.js';

/** The time series of a task's slices, also for steps without events. */
export function seriesOf(
  slices: readonly TaskSlice[],
  { from, to }: Stretch,
  step: Step,
): z.input<typeof seriesSchema> {
  const stepMs = milliseconds(step);
  const tallies = new Map<number, MinuteTally>();
  for (let start = startOf(from, stepMs); start <= to; start += stepMs) tallies.set(start, new MinuteTally());
  for (const { minutes } of slices)
    for (const [minute, tally] of minutes) tallies.get(startOf(minute * MINUTE_MS, stepMs))?.add(tally);
  return {
    step,
    points: [...tallies].map(([start, tally]) => {
      const { runs, replies, errors, extraStarts, heldBack, savedMs, times } = tally;
      return {
        from: new Date(start).toISOString(),
        ...{ runs, replies, errors },
        replyMs: times.quantiles(),
        hedging: { extraStarts, heldBack, savedMs },
      };
    }),
  };
}

function startOf(ms: number, stepMs: number): number {
  return Math.floor(ms / stepMs) * stepMs;
}
