import { loggerOf } from '../core/logger-of.js';
import type { Measures } from '../core/measures.js';
import { textOf } from '../core/thrown.js';

/** Records whether a node reaches the database, and since when. Logs each loss of contact once. */
export class Contact {
  private readonly logger = loggerOf('node');
  /** Since when every beat has reached the database in time, on the clock of `performance.now()`. */
  private healthySince = Infinity;
  private isAway = false;

  constructor(
    private readonly timeoutMs: number,
    private readonly measures: Measures,
  ) {}

  /** Whether this node can tell which nodes are gone. It can't when it was away itself: then others only seem to be gone. */
  canTell(): boolean {
    const now = performance.now();
    if (now - this.measures.lastBeatAt > this.timeoutMs / 2) this.healthySince = Infinity;
    return now - this.healthySince > this.timeoutMs;
  }

  made(): void {
    const now = performance.now();
    this.measures.lastBeatAt = now;
    this.healthySince = Math.min(this.healthySince, now);
    if (this.isAway) this.logger.log('The database is reached again');
    this.isAway = false;
  }

  lost(error: unknown): void {
    if (!this.isAway)
      this.logger.warn(`The database can’t be reached, which is tried again: ${textOf(error)}`);
    this.isAway = true;
    this.healthySince = Infinity;
  }
}
