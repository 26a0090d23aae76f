import type { RunEvent, SubTaskEvent } from '../core/events.js';
import type { Hearer } from '../core/measures.js';
import { KeptResults } from './compared-shadows.js';
import { CountedRun, type CountedTerms } from './counted-run.js';
import type { OpenSubTask } from './learning-run.js';
import type { TaskSlice } from './task-slice.js';

/**
 * Counts committed events in slices of time, in their order.
 *
 * A run counts from its start to its end. It stops counting when a sub-task is retried on request, or when another process resumes the run:
 * its times would measure how long people or the service were away.
 */
export class RaceProjection {
  private readonly runs = new Map<string, CountedRun>();
  private readonly kept = new KeptResults();
  private lastTime = '';
  private lastMs = 0;

  /**
   * @param sliceOf returns the slice for an event of a task, by its time in milliseconds since 1970 and its id
   * @param declared returns a task's declaration; undefined when the task is unknown
   * @param compared called for each shadow: whether its result was `equal` or `different`, or whether it has `failed`
   */
  constructor(
    private readonly sliceOf: (task: string, ms: number, eventId: number) => TaskSlice,
    private readonly declared: (task: string) => CountedTerms | undefined,
    private readonly compared: Hearer['compared'],
  ) {}

  /** The id of the `run.started` event of the oldest run that is under way; undefined when none is. */
  get oldestRun(): number | undefined {
    for (const { firstEventId } of this.runs.values()) return firstEventId;
    return undefined;
  }

  /** The sub-tasks under way of a task that learns its order; none for other tasks. */
  openSubTasks(task: string): OpenSubTask[] {
    const open: OpenSubTask[] = [];
    for (const { learning } of this.runs.values()) if (learning?.task === task) open.push(...learning.open);
    return open;
  }

  /** Stops counting the runs under way: another process resumes them. */
  leaveRuns(): void {
    for (const runId of [...this.runs.keys()]) this.leave(runId);
  }

  apply(event: RunEvent): void {
    if (event.type === 'sub-task.progressed' || event.type === 'sub-task.streamed') return;
    const ms = this.timeOf(event);
    if (event.type === 'run.started') {
      const declared = this.declared(event.task);
      this.runs.set(event.runId, new CountedRun(event, declared, this.kept, this.compared));
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
        run.countReply(slice, event, ms);
        return;
      case 'run.erased':
        this.leave(event.runId);
        return;
      case 'run.finished':
        run.countWithoutHedges(slice, ms);
        this.leave(event.runId);
        return;
      case 'run.reopened':
        return;
      case 'sub-task.retrying':
        if (run.hasFailed(event.subTask)) this.leave(event.runId);
        return;
      default:
        run.countSubTask(slice, event, ms);
    }
  }

  private leave(runId: string): void {
    this.runs.get(runId)?.release();
    this.runs.delete(runId);
  }

  /** Caches the last text: many events have the same time. */
  private timeOf({ time }: RunEvent): number {
    if (time !== this.lastTime) {
      this.lastTime = time;
      this.lastMs = Date.parse(time);
    }
    return this.lastMs;
  }
}

/** Counts what the stream of an attempt had brought when the attempt ended. */
function countStream(slice: TaskSlice, { type, subTask, data }: SubTaskEvent): void {
  if (!('stream' in data)) return;
  const { stream } = data;
  const streams = slice.subTask(subTask).openStreams();
  if (stream.firstChunkMs !== undefined) streams.firstChunks.record(stream.firstChunkMs);
  if (type === 'sub-task.cancelled') streams.cancelled.count(stream);
  else if (type !== 'sub-task.succeeded') streams.failed.count(stream);
}
