import { isDeepStrictEqual } from 'node:util';
import type { RunEvent, SubTaskEvent } from '../core/events.js';
import type { Hearer } from '../core/measures.js';
import type { ReplyPolicy } from '../core/policies.js';
import type { TaskDefinition } from '../core/task.js';
import { ComparedShadows, type KeptResults } from './compared-shadows.js';
import { Dissent } from './dissent.js';
import { LearningRun, wasMade } from './learning-run.js';
import { StreamedReplies } from './streamed-replies.js';
import type { TaskSlice } from './task-slice.js';

/** The part of a task's declaration that decides how its runs count. */
export type CountedTerms = Pick<TaskDefinition, 'reply' | 'order' | 'streams' | 'shadows'>;

/** The events by which a sub-task has started, has ended, or was held back. */
type Counted = Exclude<
  SubTaskEvent,
  RunEvent<'sub-task.retrying' | 'sub-task.progressed' | 'sub-task.streamed'>
>;

/** A run whose events are counted. Times are in milliseconds since 1970. */
export class CountedRun {
  /** The id of the `run.started` event. */
  readonly firstEventId: number;
  /** Undefined when the task learns no order. */
  readonly learning: LearningRun | undefined;
  /** The reply policy, where it is the task's own: reply times under another policy say nothing about the next run. */
  private readonly policy: ReplyPolicy | undefined;
  private readonly dissent: Dissent | undefined;
  /** Undefined when the run has no shadows. */
  private readonly shadows: ComparedShadows | undefined;
  /**
   * The sub-tasks that count as hedges: those started by a hedge delay, all that started after the first of these, and those started to learn
   * about them (`exploration`). Undefined when there are none.
   */
  private hedges: string[] | undefined;
  private hasHedge = false;
  private failed: string[] | undefined;
  /** The sub-task that was the first to succeed, and when. */
  private first: { readonly subTask: string; readonly ms: number } | undefined;
  private hasSecond = false;
  /** Time of the first success of a sub-task that is no hedge. */
  private unhedgedMs: number | undefined;
  /** Time of the first cancellation of a sub-task that is no hedge. */
  private cancelledMs: number | undefined;
  /** How long the reply took, in runs whose reply time without hedges is to be estimated. */
  private hedgedReplyMs: number | undefined;

  /**
   * @param declared the task's declaration, as far as known
   * @param kept counts the memory of all results that wait to be compared
   * @param compared called for each shadow: whether its result was `equal` or `different`, or whether it has `failed`
   */
  constructor(
    { id, task, data: { replyPolicy, shadows } }: RunEvent<'run.started'>,
    declared: CountedTerms | undefined,
    kept: KeptResults,
    compared: Hearer['compared'],
  ) {
    this.firstEventId = id;
    this.learning = declared?.order === 'learned' ? new LearningRun(task, declared.streams) : undefined;
    this.policy = isDeepStrictEqual(replyPolicy, declared?.reply) ? replyPolicy : undefined;
    this.dissent = replyPolicy.policy === 'agreement' ? new Dissent(replyPolicy) : undefined;
    this.shadows = shadows && new ComparedShadows(shadows, replyPolicy, declared?.shadows, kept, compared);
  }

  /** Whether a sub-task has failed, so that it is retried only on request. */
  hasFailed(subTask: string): boolean {
    return this.failed?.includes(subTask) ?? false;
  }

  countSubTask(slice: TaskSlice, event: Counted, ms: number): void {
    const { subTask } = event;
    if (this.shadows?.includes(subTask)) {
      this.countShadow(this.shadows, slice, event);
      return;
    }
    const tally = slice.subTask(subTask);
    this.learning?.count(event, ms, tally);
    switch (event.type) {
      case 'sub-task.started':
        if (event.attempt > 1) return;
        tally.starts += 1;
        this.hasHedge ||= event.data.trigger === 'delay';
        if (event.data.trigger === 'delay' || event.data.trigger === 'exploration') {
          tally.extraStarts += 1;
          slice.minute(ms).extraStarts += 1;
          (this.hedges ??= []).push(subTask);
          // A start after a hedge counts as a hedge: without it, the same failure would have started another sub-task, or not have happened.
        } else if (this.hasHedge) this.hedges?.push(subTask);
        return;
      case 'sub-task.held-back':
        tally.heldBack += 1;
        slice.minute(ms).heldBack += 1;
        return;
      case 'sub-task.succeeded':
        tally.durations.record(event.data.durationMs);
        if (this.dissent?.succeeded(subTask, event.data.result)) tally.dissents += 1;
        if (!this.hedges?.includes(subTask)) this.unhedgedMs ??= ms;
        if (this.first && !this.hasSecond) {
          slice.subTask(this.first.subTask).margins.record(ms - this.first.ms);
          this.hasSecond = true;
        }
        this.first ??= { subTask, ms };
        return;
      case 'sub-task.failed':
        tally.failures += 1;
        if (wasMade(event)) tally.failureTimes.record(event.data.durationMs);
        (this.failed ??= []).push(subTask);
        return;
      case 'sub-task.cancelled':
        tally.cancellations += 1;
        tally.cutTimes.record(event.data.durationMs);
        if (!this.hedges?.includes(subTask)) this.cancelledMs ??= ms;
        return;
      case 'sub-task.skipped':
        tally.skips += 1;
        return;
      default:
        event satisfies never;
    }
  }

  countReply(slice: TaskSlice, event: RunEvent<'run.replied'>, ms: number): void {
    this.shadows?.replied(event, slice);
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
    for (const dissenter of this.dissent?.agreedOn(reply.result) ?? [])
      slice.subTask(dissenter).dissents += 1;
    if (!this.policy || durationMs === undefined) return;
    minute.times.record(durationMs);
    const times = slice.timesToAdd(this.policy);
    if (firstChunkMs !== undefined) {
      const streamed = (times.streamed ??= new StreamedReplies());
      streamed.firstChunks.record(firstChunkMs);
      streamed.durations.record(durationMs);
    }
    if (!this.hedges) {
      times.plain.record(durationMs);
      return;
    }
    times.hedged.record(durationMs);
    this.hedgedReplyMs = durationMs;
  }

  /**
   * At the run's end, counts how long the reply would have taken without hedges.
   *
   * Without hedges, the first success of a sub-task that is no hedge would have been the reply. If there was no such success, the reply would
   * have come later than the first cancellation of such a sub-task, or if none was cancelled, later than the actual reply.
   */
  countWithoutHedges(slice: TaskSlice, ms: number): void {
    const { policy, first, hedgedReplyMs } = this;
    if (!policy || !first || hedgedReplyMs === undefined) return;
    const times = slice.timesToAdd(policy);
    const isRace = policy.policy === 'first-success';
    if (!isRace || this.unhedgedMs === undefined) times.unknownRuns += 1;
    const untilMs = isRace ? (this.unhedgedMs ?? this.cancelledMs ?? first.ms) : first.ms;
    const savedMs = Math.max(0, untilMs - first.ms);
    times.unhedged.record(hedgedReplyMs + savedMs);
    if (savedMs === 0) return;
    times.savedMs += savedMs;
    times.savedRuns += 1;
    slice.minute(ms).savedMs += savedMs;
  }

  /** Stops counting the run. */
  release(): void {
    this.shadows?.release();
  }

  /** Counts the event of a shadow, which has no part in the race. */
  private countShadow(shadows: ComparedShadows, slice: TaskSlice, event: Counted): void {
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
        shadows.failed(event);
        if (event.attempt > 0) tally.failureTimes.record(event.data.durationMs);
        (this.failed ??= []).push(subTask);
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
}
