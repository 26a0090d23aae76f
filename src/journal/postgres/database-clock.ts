/**
 * The database's clock, the only one that all nodes share, as this node knows it. Each answer that tells the database's time corrects it.
 * In between it advances with `performance.now()`, so changes of this machine's clock don't affect it.
 */
export class DatabaseClock {
  private offset = Date.now() - performance.now();

  /** The time in whole milliseconds since 1970. */
  now(): number {
    return Math.round(performance.now() + this.offset);
  }

  /** How far this machine's clock is ahead, in milliseconds; negative when it is behind. */
  get skewMs(): number {
    return Date.now() - this.now();
  }

  /**
   * Corrects the clock, but only as far as an answer proves it wrong.
   *
   * @param databaseMs time of the database in the answer
   * @param sentAt when the question was sent, on the clock of `performance.now()`
   * @param receivedAt when the answer arrived, on the same clock
   */
  measured(databaseMs: number, sentAt: number, receivedAt: number): void {
    const [least, most] = [databaseMs - receivedAt, databaseMs - sentAt];
    this.offset = Math.min(Math.max(this.offset, least), most);
  }
}
