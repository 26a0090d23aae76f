/** What is known of how long replies take. */
export abstract class ReplyTimes {
  /**
   * A quantile of the recent reply times of a task.
   *
   * @param quantile from 0 to 1
   * @returns milliseconds; undefined as long as too few replies are known
   */
  abstract replyTime(task: string, quantile: number): number | undefined;
}
