import ms from 'ms';
import { loggerOf } from '../core/logger-of.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Age from which a run is proof of the time: it was created before the clock could leap. One hour, in milliseconds. */
export const PROOF_MS = HOUR_MS;

/**
 * Protects retention from a clock that is far ahead, perhaps for one start only: everything would look old at once. The clock is doubted
 * for an hour in two cases. At the start, it is more than a day later than the newest run that is older than an hour. Or it moves more
 * than a day further than the time that has passed.
 */
export class ClockWatch {
  private readonly logger = loggerOf('journal');
  private lastMs: number;
  private lastPassed = performance.now();
  /** Time by `performance.now()`, which nobody can set, until which the clock is doubted. */
  private doubtedUntil = -Infinity;

  /**
   * @param newestRun when the newest run was created that is older than {@link PROOF_MS}, in milliseconds since 1970
   * @param now the clock
   */
  constructor(
    newestRun?: number,
    readonly now: () => number = () => Date.now(),
  ) {
    this.lastMs = now();
    if (newestRun !== undefined && this.lastMs - newestRun > DAY_MS)
      this.doubt(
        `${ms(this.lastMs - newestRun, { long: true })} after the newest run that is older than an hour`,
      );
  }

  /**
   * The time before which things are too old to be kept, in milliseconds since 1970. It is 0 while the clock is doubted, so nothing is
   * too old.
   */
  before(retentionMs: number): number {
    const now = this.now();
    const passed = performance.now();
    const leap = now - this.lastMs - (passed - this.lastPassed);
    [this.lastMs, this.lastPassed] = [now, passed];
    if (leap > DAY_MS) this.doubt(`${ms(leap, { long: true })} later than it was a moment before`);
    return passed < this.doubtedUntil ? 0 : now - retentionMs;
  }

  private doubt(why: string): void {
    this.doubtedUntil = this.lastPassed + HOUR_MS;
    this.logger.warn(
      `The clock says ${new Date(this.lastMs).toISOString()}, ${why}: in case it is wrong, no old runs or keys are deleted for an hour; set it right if it is`,
    );
  }
}
