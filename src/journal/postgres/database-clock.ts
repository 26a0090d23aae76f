/**
 * The clock of the database, the only one that all nodes share, as far as this node knows it: corrected by each answer that tells it, and
 * going on with `performance.now()` in between. So it follows no change of this machine's clock.
 */
export class DatabaseClock {
  private offset = Date.now() - performance.now();

  /** Milliseconds since 1970, whole ones. */
  now(): number {
    return Math.round(performance.now() + this.offset);
  }

  /** How far this machine's clock is ahead, in milliseconds; negative when it is behind. */
  get skewMs(): number {
    return Date.now() - this.now();
  }

  /**
   * Corrects it, no further than an answer proves it wrong.
   *
   * @param databaseMs what the database said
   * @param sentAt when it was asked, on the clock of `performance.now()`
   * @param receivedAt when it answered, on the same
   */
  measured(databaseMs: number, sentAt: number, receivedAt: number): void {
    const [least, most] = [databaseMs - receivedAt, databaseMs - sentAt];
    this.offset = Math.min(Math.max(this.offset, least), most);
  }
}
