import { isDeepStrictEqual } from 'node:util';
import type { RunEvent, SubTaskEvent } from '../core/events.js';
import type { ReplyPolicy } from '../core/policies.js';
import type { TaskDefinition } from '../core/task.js';
import { ComparedShadows, KeptResults } from './compared-shadows.js';
import { Dissent } from './dissent.js';
import { LearningRun, wasMade, type OpenSubTask } from './learning-run.js';
import { StreamedReplies } from './streamed-replies.js';
import type { TaskSlice } from './task-slice.js';

/** A run whose events count. */
interface CountedRun {
  /** The id of its `run.started` event. */
  readonly firstEventId: number;
  /** Its reply policy, where that is the task's own: the reply times under others would say nothing of the next run. */
  readonly policy: ReplyPolicy | undefined;
  /** The sub-tasks that were started because their time had come, and all that started after the first of those; those that were started to learn from, too. */
  hedges: string[] | undefined;
  hasHedge: boolean;
  failed: string[] | undefined;
  /** The sub-task that was the first to succeed, and when. */
  first: { readonly subTask: string; readonly ms: number } | undefined;
  hasSecond: boolean;
  /** When the first success came, and when the first cancellation did, of sub-tasks that are no hedges. */
  unhedgedMs: number | undefined;
  cancelledMs: number | undefined;
  /** How long the reply took, where it is to be told what it would have taken without hedges. */
  hedgedReplyMs: number | undefined;
  readonly dissent: Dissent | undefined;
  /** Undefined where it has no shadows. */
  readonly shadows: ComparedShadows | undefined;
  /** Undefined where its task learns no order. */
  readonly learning: LearningRun | undefined;
}

/**
 * Counts committed events, in their order, in the slices that they belong to.
 *
 * A run counts from its start to its end. What becomes of it after a sub-task was tried again on request, or in another
 * process than the one that began it, does not: that would measure how long people or the service were away.
 */
export class RaceProjection {
  private readonly runs = new Map<string, CountedRun>();
  private readonly kept = new KeptResults();
  private lastTime = '';
  private lastMs = 0;

  /**
   * @param sliceOf where to count what happened to a task at a time in milliseconds since 1970
   * @param declared what a task declares
   */
  constructor(
    private readonly sliceOf: (task: string, ms: number, eventId: number) => TaskSlice,
    private readonly declared: (
      task: string,
    ) => Pick<TaskDefinition, 'reply' | 'order' | 'streams' | 'shadows'> | undefined,
  ) {}

  /** The id of the `run.started` event of the oldest run that is under way; undefined when none is. */
  get oldestRun(): number | undefined {
    for (const { firstEventId } of this.runs.values()) return firstEventId;
    return undefined;
  }

  /** The sub-tasks of a task that learns its order that are under way. */
  openSubTasks(task: string): OpenSubTask[] {
    const open: OpenSubTask[] = [];
    for (const { learning } of this.runs.values()) if (learning?.task === task) open.push(...learning.open);
    return open;
  }

  /** Counts nothing more of the runs that are under way: another process goes on with them. */
  leaveRuns(): void {
    for (const runId of [...this.runs.keys()]) this.leave(runId);
  }

  apply(event: RunEvent): void {
    if (event.type === 'sub-task.progressed' || event.type === 'sub-task.streamed') return;
    const ms = this.timeOf(event);
    if (event.type === 'run.started') {
      this.runs.set(event.runId, this.openRun(event));
      const slice = this.sliceOf(event.task, ms, event.id);
      slice.runs += 1;
      slice.minute(ms).runs += 1;
      return;
    }
    const run = this.runs.get(event.runId);
    if (!run) return;
    const slice = this.sliceOf(event.task, ms, event.id);
    if ('subTask' in event) countStream(slice, event);
    switch (event.type) {
      case 'run.replied':
        countReply(run, slice, event, ms);
        return;
      case 'run.erased':
        this.leave(event.runId);
        return;
      case 'run.finished':
        countWithoutHedges(run, slice, ms);
        this.leave(event.runId);
        return;
      case 'run.reopened':
        return;
      case 'sub-task.retrying':
        if (run.failed?.includes(event.subTask)) this.leave(event.runId);
        return;
      default:
        if (run.shadows?.includes(event.subTask)) countShadow(run, run.shadows, slice, event);
        else countSubTask(run, slice, event, ms);
    }
  }

  private leave(runId: string): void {
    this.runs.get(runId)?.shadows?.release();
    this.runs.delete(runId);
  }

  private openRun({ id, task, data: { replyPolicy, shadows } }: RunEvent<'run.started'>): CountedRun {
    const declared = this.declared(task);
    return {
      firstEventId: id,
      policy: isDeepStrictEqual(replyPolicy, declared?.reply) ? replyPolicy : undefined,
      hedges: undefined,
      hasHedge: false,
      failed: undefined,
      first: undefined,
      hasSecond: false,
      unhedgedMs: undefined,
      cancelledMs: undefined,
      hedgedReplyMs: undefined,
      dissent: replyPolicy.policy === 'agreement' ? new Dissent(replyPolicy) : undefined,
      shadows: shadows && new ComparedShadows(shadows, replyPolicy, declared?.shadows, this.kept),
      learning: declared?.order === 'learned' ? new LearningRun(task, declared.streams) : undefined,
    };
  }

  /** Events of one moment have the same text, and there are many. */
  private timeOf({ time }: RunEvent): number {
    if (time !== this.lastTime) {
      this.lastTime = time;
      this.lastMs = Date.parse(time);
    }
    return this.lastMs;
  }
}

type Counted = Exclude<
  SubTaskEvent,
  RunEvent<'sub-task.retrying' | 'sub-task.progressed' | 'sub-task.streamed'>
>;

/** What becomes of a shadow has no part in the race. */
function countShadow(run: CountedRun, shadows: ComparedShadows, slice: TaskSlice, event: Counted): void {
  const { subTask } = event;
  const tally = slice.subTask(subTask);
  switch (event.type) {
    case 'sub-task.started':
      if (event.attempt === 1) tally.starts += 1;
      return;
    case 'sub-task.succeeded':
      tally.durations.record(event.data.durationMs);
      shadows.succeeded(event, slice);
      return;
    case 'sub-task.failed':
      tally.failures += 1;
      if (event.attempt > 0) tally.failureTimes.record(event.data.durationMs);
      (run.failed ??= []).push(subTask);
      return;
    case 'sub-task.cancelled':
      tally.cancellations += 1;
      tally.cutTimes.record(event.data.durationMs);
      return;
    case 'sub-task.skipped':
      tally.skips += 1;
      return;
    case 'sub-task.held-back':
      return;
    default:
      event satisfies never;
  }
}

function countSubTask(run: CountedRun, slice: TaskSlice, event: Counted, ms: number): void {
  const { subTask } = event;
  const tally = slice.subTask(subTask);
  run.learning?.count(event, ms, tally);
  switch (event.type) {
    case 'sub-task.started':
      if (event.attempt > 1) return;
      tally.starts += 1;
      run.hasHedge ||= event.data.trigger === 'delay';
      if (event.data.trigger === 'delay' || event.data.trigger === 'exploration') {
        tally.extraStarts += 1;
        slice.minute(ms).extraStarts += 1;
        (run.hedges ??= []).push(subTask);
        // A failure behind a hedge starts another sub-task than it would have started without, or is the hedge's own.
      } else if (run.hasHedge) run.hedges?.push(subTask);
      return;
    case 'sub-task.held-back':
      tally.heldBack += 1;
      slice.minute(ms).heldBack += 1;
      return;
    case 'sub-task.succeeded':
      tally.durations.record(event.data.durationMs);
      if (run.dissent?.succeeded(subTask, event.data.result)) tally.dissents += 1;
      if (!run.hedges?.includes(subTask)) run.unhedgedMs ??= ms;
      if (run.first && !run.hasSecond) {
        slice.subTask(run.first.subTask).margins.record(ms - run.first.ms);
        run.hasSecond = true;
      }
      run.first ??= { subTask, ms };
      return;
    case 'sub-task.failed':
      tally.failures += 1;
      if (wasMade(event)) tally.failureTimes.record(event.data.durationMs);
      (run.failed ??= []).push(subTask);
      return;
    case 'sub-task.cancelled':
      tally.cancellations += 1;
      tally.cutTimes.record(event.data.durationMs);
      if (!run.hedges?.includes(subTask)) run.cancelledMs ??= ms;
      return;
    case 'sub-task.skipped':
      tally.skips += 1;
      return;
    default:
      event satisfies never;
  }
}

/** What an attempt's stream had brought when it ended. */
function countStream(slice: TaskSlice, { type, subTask, data }: SubTaskEvent): void {
  if (!('stream' in data)) return;
  const { stream } = data;
  const streams = slice.subTask(subTask).openStreams();
  if (stream.firstChunkMs !== undefined) streams.firstChunks.record(stream.firstChunkMs);
  if (type === 'sub-task.cancelled') streams.cancelled.count(stream);
  else if (type !== 'sub-task.succeeded') streams.failed.count(stream);
}

function countReply(run: CountedRun, slice: TaskSlice, event: RunEvent<'run.replied'>, ms: number): void {
  run.shadows?.replied(event, slice);
  const { data } = event;
  const { reply, durationMs, firstChunkMs } = data;
  const minute = slice.minute(ms);
  if ('error' in reply) {
    slice.errors += 1;
    minute.errors += 1;
    return;
  }
  slice.replies += 1;
  minute.replies += 1;
  for (const winner of [reply.answeredBy].flat()) slice.subTask(winner).wins += 1;
  for (const dissenter of run.dissent?.agreedOn(reply.result) ?? []) slice.subTask(dissenter).dissents += 1;
  if (!run.policy || durationMs === undefined) return;
  minute.times.record(durationMs);
  const times = slice.timesToAdd(run.policy);
  if (firstChunkMs !== undefined) {
    const streamed = (times.streamed ??= new StreamedReplies());
    streamed.firstChunks.record(firstChunkMs);
    streamed.durations.record(durationMs);
  }
  if (!run.hedges) {
    times.plain.record(durationMs);
    return;
  }
  times.hedged.record(durationMs);
  run.hedgedReplyMs = durationMs;
}

/**
 * Without hedges the first success of the others, which hedges had no part in, would have been the reply. Where there was none, the reply would have come
 * later than the moment at which one of them was cancelled, or than it did.
 */
function countWithoutHedges(run: CountedRun, slice: TaskSlice, ms: number): void {
  const { policy, first, hedgedReplyMs } = run;
  if (!policy || !first || hedgedReplyMs === undefined) return;
  const times = slice.timesToAdd(policy);
  const isRace = policy.policy === 'first-success';
  if (!isRace || run.unhedgedMs === undefined) times.unknownRuns += 1;
  const untilMs = isRace ? (run.unhedgedMs ?? run.cancelledMs ?? first.ms) : first.ms;
  const savedMs = Math.max(0, untilMs - first.ms);
  times.unhedged.record(hedgedReplyMs + savedMs);
  if (savedMs === 0) return;
  times.savedMs += savedMs;
  times.savedRuns += 1;
  slice.minute(ms).savedMs += savedMs;
}
