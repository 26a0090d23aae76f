import ms from 'ms';
import { loggerOf } from '../core/logger-of.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Runs that are older than this show what the clock said before it leapt. */
export const PROOF_MS = HOUR_MS;

/**
 * Keeps a clock that is far ahead, for one start perhaps, from making everything look old at once. It is doubted for an hour when it
 * says more than a day more than the newest run that is older than the hour, or has gone a day ahead of the time that passed.
 */
export class ClockWatch {
  private readonly logger = loggerOf('journal');
  private lastMs: number;
  private lastPassed = performance.now();
  /** By `performance.now()`, which no one sets. */
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

  /** Before when something is too old to be kept, in milliseconds since 1970; nothing is while the clock is doubted. */
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
