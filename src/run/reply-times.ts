import type { TaskDefinition } from '../core/task.js';

/** What is known about the speed of a task's sub-tasks, without shadows: their names in two orders. */
export interface LearntOrder {
  /** First the sub-task whose answer is expected soonest. */
  readonly order: readonly string[];
  /** First the sub-task of which the least is known. */
  readonly leastKnown: readonly string[];
  /** Whether enough is known of each sub-task to order it. */
  readonly allKnown: boolean;
}

/** What is known about reply times. */
export abstract class ReplyTimes {
  /**
   * A quantile of the recent reply times of a task; where its callers are shown a stream, of the times to its first chunk.
   *
   * @param quantile from 0 to 1
   * @returns milliseconds; undefined as long as too few replies are known
   */
  abstract replyTime(task: string, quantile: number): number | undefined;

  /** The order in which the next run starts the sub-tasks, for a task that learns its order. */
  abstract learntOrder(task: TaskDefinition): LearntOrder;
}
