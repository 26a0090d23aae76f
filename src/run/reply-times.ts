import type { TaskDefinition } from '../core/task.js';

/** What is known of how quick the sub-tasks of a task are: the names of all that are no shadows. */
export interface LearntOrder {
  /** The one of which an answer is expected soonest first. */
  readonly order: readonly string[];
  /** The one of which the least is known first. */
  readonly leastKnown: readonly string[];
  /** Whether enough is known of each to put it at its place. */
  readonly allKnown: boolean;
}

/** What is known of how long replies take. */
export abstract class ReplyTimes {
  /**
   * A quantile of the recent reply times of a task; where its callers are shown a stream, of the times to its first chunk.
   *
   * @param quantile from 0 to 1
   * @returns milliseconds; undefined as long as too few replies are known
   */
  abstract replyTime(task: string, quantile: number): number | undefined;

  /** In which order the next run starts the sub-tasks of a task that learns it. */
  abstract learntOrder(task: TaskDefinition): LearntOrder;
}
