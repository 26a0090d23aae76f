import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { replyPolicySchema, type ReplyPolicy } from '../core/policies.js';
import { DurationHistogram, histogramSchema as histogram } from './duration-histogram.js';
import { MINUTE_MS, minuteSchema, MinuteTally } from './minute-tally.js';
import { recentSchema, type RecentEnds } from './recent-ends.js';
import { shadowTallySchema, ShadowTally } from './shadow-tally.js';
import { StreamTally, streamTallySchema } from './stream-tally.js';
import { StreamedReplies, streamedRepliesSchema } from './streamed-replies.js';

/** Outcomes of a sub-task: in how many runs each. */
export class SubTaskTally {
  /** Runs in which its result was in the reply. */
  wins = 0;
  starts = 0;
  /** The starts by a hedge delay (hedges), and those to learn about the sub-task (`exploration`). */
  extraStarts = 0;
  /** Runs in which its hedge delay had passed, but the hedge budget was spent. */
  heldBack = 0;
  skips = 0;
  failures = 0;
  cancellations = 0;
  /** Runs in which its result was not the one that enough others agreed on. */
  dissents = 0;
  /** Durations of successes. */
  durations = new DurationHistogram();
  /** Durations of failures, and times until cancellations. */
  failureTimes = new DurationHistogram();
  cutTimes = new DurationHistogram();
  /** The ends from which its place in the order is learnt; undefined where the task learns no order. */
  recent: RecentEnds | undefined;
  /** Time from its success, where it was first, to the next success of the run. */
  margins = new DurationHistogram();
  /** How its results compare with replies, in runs where it was a shadow; undefined without such runs. */
  shadow: ShadowTally | undefined;
  /** Streams of its attempts; undefined where none streamed. */
  streams: StreamTally | undefined;

  /** Adds everything of another tally except its recent ends. */
  add(other: SubTaskTally): void {
    for (const count of COUNTS) this[count] += other[count];
    this.durations.add(other.durations);
    this.failureTimes.add(other.failureTimes);
    this.cutTimes.add(other.cutTimes);
    this.margins.add(other.margins);
    if (other.streams) this.openStreams().add(other.streams);
    if (other.shadow) (this.shadow ??= new ShadowTally()).add(other.shadow);
  }

  openStreams(): StreamTally {
    return (this.streams ??= new StreamTally());
  }
}

const COUNTS = [
  'wins',
  'starts',
  'extraStarts',
  'heldBack',
  'skips',
  'failures',
  'cancellations',
  'dissents',
] as const satisfies readonly (keyof SubTaskTally)[];

/** How long the replies of runs with one reply policy took. */
export class ReplyTally {
  /** Reply times of runs without hedges. */
  plain = new DurationHistogram();
  /** Reply times of runs with hedges. */
  hedged = new DurationHistogram();
  /** Estimated reply times without hedges (lower bounds) of ended runs with hedges. */
  unhedged = new DurationHistogram();
  /** In how many of these runs only the lower bound is known. */
  unknownRuns = 0;
  /** By how much hedges brought replies sooner, in milliseconds. `savedRuns`: in how many runs. */
  savedMs = 0;
  savedRuns = 0;
  /** The replies, with and without hedges, whose stream callers were shown; undefined when there are none. */
  streamed: StreamedReplies | undefined;

  constructor(readonly policy: ReplyPolicy) {}

  get count(): number {
    return this.plain.count + this.hedged.count;
  }

  /** How long callers waited: for the first chunk that they were shown, or without chunks for the reply. */
  get waits(): DurationHistogram {
    const waits = new DurationHistogram();
    waits.add(this.plain);
    waits.add(this.hedged);
    if (!this.streamed) return waits;
    waits.subtract(this.streamed.durations);
    waits.add(this.streamed.firstChunks);
    return waits;
  }

  add({ plain, hedged, unhedged, unknownRuns, savedMs, savedRuns, streamed }: ReplyTally): void {
    this.plain.add(plain);
    this.hedged.add(hedged);
    this.unhedged.add(unhedged);
    this.unknownRuns += unknownRuns;
    this.savedMs += savedMs;
    this.savedRuns += savedRuns;
    if (streamed) (this.streamed ??= new StreamedReplies()).add(streamed);
  }
}

/** Statistics of a task's runs in a stretch of time. */
export class TaskSlice {
  runs = 0;
  replies = 0;
  errors = 0;
  readonly subTasks = new Map<string, SubTaskTally>();
  /** By the minute in which runs began, counted since 1970. */
  readonly minutes = new Map<number, MinuteTally>();
  private replyTally: ReplyTally | undefined;

  /** Reads a text of {@link toText}. @throws {Error} for any other text */
  static of(text: string): TaskSlice {
    const { runs, replies, errors, subTasks, minutes, times } = sliceSchema.parse(JSON.parse(text));
    const slice = Object.assign(new TaskSlice(), { runs, replies, errors });
    for (const [name, tally] of subTasks) Object.assign(slice.subTask(name), tally);
    for (const [minute, tally] of minutes) slice.minutes.set(minute, tally);
    if (times) slice.replyTally = Object.assign(new ReplyTally(times.policy), times);
    return slice;
  }

  subTask(name: string): SubTaskTally {
    let tally = this.subTasks.get(name);
    if (!tally) this.subTasks.set(name, (tally = new SubTaskTally()));
    return tally;
  }

  /** The tally of a minute. @param ms a time in that minute, in milliseconds since 1970 */
  minute(ms: number): MinuteTally {
    const minute = Math.floor(ms / MINUTE_MS);
    let tally = this.minutes.get(minute);
    if (!tally) this.minutes.set(minute, (tally = new MinuteTally()));
    return tally;
  }

  /** The reply times under a policy, if there are any. */
  timesUnder(policy: ReplyPolicy): ReplyTally | undefined {
    return this.replyTally && isDeepStrictEqual(this.replyTally.policy, policy) ? this.replyTally : undefined;
  }

  /** The reply times under a policy, to add to. Times under an earlier policy of the task are dropped. */
  timesToAdd(policy: ReplyPolicy): ReplyTally {
    return this.timesUnder(policy) ?? (this.replyTally = new ReplyTally(policy));
  }

  /** Adds another slice, except its minutes, and except reply times under a policy other than `policy`. */
  add(other: TaskSlice, policy: ReplyPolicy): void {
    this.runs += other.runs;
    this.replies += other.replies;
    this.errors += other.errors;
    for (const [name, tally] of other.subTasks) this.subTask(name).add(tally);
    const times = other.timesUnder(policy);
    if (times) this.timesToAdd(policy).add(times);
  }

  toText(): string {
    const { runs, replies, errors, subTasks, minutes, replyTally: times } = this;
    return JSON.stringify(
      { runs, replies, errors, subTasks: [...subTasks], minutes: [...minutes], times },
      (_key, value: unknown) => (value instanceof DurationHistogram ? value.toText() : value),
    );
  }
}

const count = z.int().min(0);

const sliceSchema = z.object({
  runs: count,
  replies: count,
  errors: count,
  subTasks: z.array(
    z.tuple([
      z.string(),
      z.object({
        ...(Object.fromEntries(COUNTS.map((name) => [name, count])) as Record<
          (typeof COUNTS)[number],
          typeof count
        >),
        durations: histogram,
        margins: histogram,
        // Slices saved by earlier versions have none of these.
        failureTimes: histogram.prefault(''),
        cutTimes: histogram.prefault(''),
        recent: recentSchema.optional(),
        shadow: shadowTallySchema.optional(),
        streams: streamTallySchema.optional(),
      }),
    ]),
  ),
  // Slices saved by earlier versions have none.
  minutes: z.array(z.tuple([z.int(), minuteSchema])).default([]),
  times: z
    .object({
      policy: replyPolicySchema,
      plain: histogram,
      hedged: histogram,
      unhedged: histogram,
      unknownRuns: count,
      savedMs: z.number().min(0).default(0),
      savedRuns: count.default(0),
      streamed: streamedRepliesSchema.optional(),
    })
    .optional(),
});
