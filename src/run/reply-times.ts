/** What is known of how long replies take. */
export abstract class ReplyTimes {
  /**
   * A quantile of the recent reply times of a task; where its callers are shown a stream, of the times to its first chunk.
   *
   * @param quantile from 0 to 1
   * @returns milliseconds; undefined as long as too few replies are known
   */
  abstract replyTime(task: string, quantile: number): number | undefined;
}
