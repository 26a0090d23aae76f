import type { RunEvent, SubTaskEvent } from '../core/events.js';
import type { Observation } from './product-limit.js';
import { RecentEnds } from './recent-ends.js';
import type { SubTaskTally } from './task-slice.js';

/** A sub-task that is under way, and since when, in milliseconds since 1970. */
export interface OpenSubTask {
  readonly subTask: string;
  readonly sinceMs: number;
}

type Ended = RunEvent<'sub-task.succeeded' | 'sub-task.failed' | 'sub-task.cancelled'>;

/** Measures the sub-tasks of a run whose task learns its order. */
export class LearningRun {
  private readonly startedMs = new Map<string, number>();

  /** @param streams whether the sub-tasks stream: a running stream may have answered long ago */
  constructor(
    readonly task: string,
    private readonly streams: boolean,
  ) {}

  get open(): OpenSubTask[] {
    return Array.from(this.startedMs, ([subTask, sinceMs]) => ({ subTask, sinceMs }));
  }

  count(event: SubTaskEvent, ms: number, tally: SubTaskTally): void {
    switch (event.type) {
      case 'sub-task.started':
        if (event.attempt === 1 && !this.streams) this.startedMs.set(event.subTask, ms);
        return;
      case 'sub-task.succeeded':
      case 'sub-task.failed':
      case 'sub-task.cancelled':
        this.startedMs.delete(event.subTask);
        if (wasMade(event)) (tally.recent ??= new RecentEnds()).record(kindOf(event), timeOf(event));
        return;
      default:
    }
  }
}

/** Whether an attempt was made. An end without an attempt, or one that a breaker refused, says nothing about the speed of the upstream. */
export function wasMade(event: Ended): boolean {
  return event.attempt > 0 && !(event.type === 'sub-task.failed' && event.data.error.code === 'circuit-open');
}

/**
 * How an attempt counts. One that was cancelled after its first chunk counts as answered. A final failure counts as cut: it is the caller's own
 * fault, and says nothing about the upstream.
 */
function kindOf({ type, data }: Ended): Observation['kind'] {
  if (type === 'sub-task.succeeded') return 'answered';
  if (type === 'sub-task.cancelled') return data.stream?.firstChunkMs === undefined ? 'cut' : 'answered';
  return data.error.final ? 'cut' : 'failed';
}

/** For a stream, the time to its first chunk counts. */
function timeOf({ type, data }: Ended): number {
  const { durationMs, stream } = data;
  return Math.max(0, type === 'sub-task.failed' ? durationMs : (stream?.firstChunkMs ?? durationMs));
}
