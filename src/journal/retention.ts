import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { textOf } from '../tasks/thrown.js';
import type { SqliteThread } from './sqlite-thread.js';

/** Old runs and keys go in batches, each a short transaction of its own, with pauses that leave the thread to the writers. */
const BATCH = 100;
const PAUSE_MS = 50;
const EVERY_MS = 60_000;

const logger = new Logger('SqliteJournal');

/** Deletes what is older than `retentionMs`, now and from time to time, until `closing` is aborted. */
export async function deleteOld(
  writer: SqliteThread,
  method: 'deleteFinished' | 'deleteKeys',
  retentionMs: number,
  closing: AbortSignal,
): Promise<void> {
  const pause = (ms: number) => delay(ms, undefined, { signal: closing }).catch(() => undefined);
  const isClosed = () => closing.aborted;
  while (!isClosed()) {
    try {
      const deleted = await writer.call(method, Date.now() - retentionMs, BATCH);
      await pause(deleted > 0 ? PAUSE_MS : EVERY_MS);
    } catch (error) {
      if (isClosed()) return;
      logger.warn(`Old runs or keys could not be deleted: ${textOf(error)}`);
      await pause(EVERY_MS);
    }
  }
}
