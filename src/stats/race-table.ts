import type { z } from 'zod';
import type { TaskDefinition } from '../core/task.js';
import { DurationHistogram } from './duration-histogram.js';
import { ProductLimit, type Observation } from './product-limit.js';
import type { quantilesSchema, raceTableSchema, shadowStatsSchema, streamSchema } from './stats.schemas.js';
import { ShadowTally } from './shadow-tally.js';
import { UnusedStreams, type StreamTally } from './stream-tally.js';
import { ReplyTally, SubTaskTally, TaskSlice } from './task-slice.js';

type Counted = Omit<z.input<typeof raceTableSchema>, 'task' | 'window' | 'learntMs' | 'order' | 'series'>;

/** The sum of a task's slices, for people to read. It has the sub-tasks that the task declares now. */
export function raceTable(
  { subTasks, reply, shadows }: TaskDefinition,
  slices: readonly TaskSlice[],
): Counted {
  const sum = new TaskSlice();
  for (const slice of slices) sum.add(slice, reply);
  const tallies = subTasks.map(({ name }) => [name, sum.subTasks.get(name) ?? new SubTaskTally()] as const);
  const total = (count: 'extraStarts' | 'heldBack') =>
    tallies.reduce((all, [, tally]) => all + tally[count], 0);
  const times = sum.timesUnder(reply) ?? new ReplyTally(reply);
  const { plain, hedged, unhedged, unknownRuns, savedMs, savedRuns, streamed } = times;
  return {
    runs: sum.runs,
    replies: sum.replies,
    errors: sum.errors,
    replyMs: quantilesOf(plain, hedged),
    ...(streamed && { firstChunkMs: streamed.firstChunks.quantiles() }),
    subTasks: tallies.map(([name, tally]) => rowOf(name, tally, sum.replies, shadows?.has(name))),
    hedging: {
      extraStarts: total('extraStarts'),
      extraStartShare: share(total('extraStarts'), sum.runs),
      heldBack: total('heldBack'),
      withoutHedgesMs: quantilesOf(plain, unhedged),
      savedMs,
      savedRuns,
      unknownRuns,
      ...cutOf(tallies.flatMap(([, { streams }]) => streams ?? [])),
    },
  };
}

function rowOf(
  name: string,
  tally: SubTaskTally,
  replies: number,
  isShadow = false,
): Counted['subTasks'][number] {
  const { durations, failureTimes, cutTimes, recent: _, margins, wins, streams, shadow, ...counts } = tally;
  return {
    name,
    wins,
    winShare: share(wins, replies),
    ...counts,
    durationMs: quantilesOf(durations),
    answerMs: answersOf(durations, failureTimes, cutTimes),
    marginMs: quantilesOf(margins),
    ...(streams && { stream: streamOf(streams) }),
    ...(isShadow && { shadow: shadowOf(shadow) }),
  };
}

/** Quantiles of the time to an answer. They take failures and cancelled sub-tasks into account. */
function answersOf(
  answered: DurationHistogram,
  failed: DurationHistogram,
  cut: DurationHistogram,
): z.input<typeof quantilesSchema> {
  const ends = Object.entries({ answered, failed, cut }).flatMap(([kind, times]) =>
    times.values().map((value): Observation => ({ ...value, kind: kind as Observation['kind'] })),
  );
  const curve = new ProductLimit(ends);
  const at = (share: number) => curve.quantile(share) ?? null;
  return { count: answered.count + failed.count + cut.count, p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}

function shadowOf({ equal, different, differences } = new ShadowTally()): z.input<typeof shadowStatsSchema> {
  return { compared: equal + different, equal, different, differences };
}

function streamOf({ firstChunks, cancelled, failed }: StreamTally): z.input<typeof streamSchema> {
  return {
    firstChunkMs: firstChunks.quantiles(),
    cancelled: cancelled.counts,
    failed: failed.counts,
  };
}

/** Totals of the streams of cancelled sub-tasks. */
function cutOf(streams: readonly StreamTally[]): { cut?: UnusedStreams['counts'] } {
  if (streams.length === 0) return {};
  const sum = new UnusedStreams();
  for (const { cancelled } of streams) sum.add(cancelled);
  return { cut: sum.counts };
}

function quantilesOf(...parts: readonly DurationHistogram[]): z.input<typeof quantilesSchema> {
  const sum = new DurationHistogram();
  for (const part of parts) sum.add(part);
  return sum.quantiles();
}

/** A share with four decimals; null where the whole is 0. */
function share(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round((part / whole) * 1e4) / 1e4;
}
