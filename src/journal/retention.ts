import { setTimeout as delay } from 'node:timers/promises';
import { textOf } from '../core/thrown.js';
import { loggerOf } from '../core/logger-of.js';
import type { ClockWatch } from './clock-watch.js';

/** Old runs and keys are deleted in batches, each in a short transaction. Pauses between batches leave the thread to the writers. */
const BATCH = 100;
const PAUSE_MS = 50;
const EVERY_MS = 60_000;
/** A batch deletes this many times as many notes as runs: notes are small, and a run may leave several. */
export const NOTES_A_RUN = 10;

const logger = loggerOf('journal');

/**
 * Deletes whatever is older than `retentionMs`, now and repeatedly, until `closing` is aborted.
 *
 * @param deleteBefore deletes at most `limit` items that are older than `before`, and returns how many
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
