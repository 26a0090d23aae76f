import { setTimeout as delay } from 'node:timers/promises';
import { textOf } from '../core/thrown.js';
import { loggerOf } from '../core/logger-of.js';
import type { ClockWatch } from './clock-watch.js';

/** Old runs and keys go in batches, each a short transaction of its own, with pauses that leave the thread to the writers. */
const BATCH = 100;
const PAUSE_MS = 50;
const EVERY_MS = 60_000;
/** Notes are small, and each run may leave some. */
export const NOTES_A_RUN = 10;

const logger = loggerOf('journal');

/**
 * Deletes what is older than `retentionMs`, now and from time to time, until `closing` is aborted.
 *
 * @param deleteBefore deletes so many of what is older than a time, and says how many that were
 */
export async function deleteOld(
  deleteBefore: (before: number, limit: number) => Promise<number>,
  retentionMs: number,
  clock: ClockWatch,
  closing: AbortSignal,
): Promise<void> {
  const pause = (ms: number) => delay(ms, undefined, { signal: closing }).catch(() => undefined);
  const isClosed = () => closing.aborted;
  while (!isClosed()) {
    try {
      const deleted = await deleteBefore(clock.before(retentionMs), BATCH);
      await pause(deleted > 0 ? PAUSE_MS : EVERY_MS);
    } catch (error) {
      if (isClosed()) return;
      logger.warn(`Old runs or keys could not be deleted: ${textOf(error)}`);
      await pause(EVERY_MS);
    }
  }
}
