import { Logger } from '@nestjs/common';
import { textOf } from '../../core/thrown.js';
import type { Obstacle } from '../../run/journal.js';
import { databaseError } from '../database-error.js';
import { detailsOf, isDamage } from './store-error.js';

/** Between two tries whether a page can be read again, in milliseconds. */
const RETRY_MS = 5_000;

const logger = new Logger('Journal');

/**
 * Keeps new runs away from a journal that has lost a part: who has can't keep promises about the rest. SQLite says that a page is
 * damaged also where the disk can't read it (EIO). So such a call is repeated: at once, and then until it succeeds.
 */
export class DamageWatch {
  obstacle: Obstacle | undefined;
  /** Whether a checksum has told of damage: no repetition mends that. */
  isCertain = false;

  /** @param closing aborted when nothing is to be tried again */
  constructor(
    private readonly path: string,
    private readonly closing: AbortSignal,
  ) {}

  /** @param call what may be done twice */
  async heed<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (!isDamage(error) || this.obstacle) throw error;
    }
    try {
      return await call();
    } catch (error) {
      if (isDamage(error)) this.refuseRuns(error, call);
      throw error;
    }
  }

  private refuseRuns(error: unknown, call: () => Promise<unknown>): void {
    if (this.obstacle) return;
    this.obstacle = { code: 'journal-unavailable', message: 'The journal is damaged; the log says where' };
    this.isCertain = detailsOf(error).kind === 'damaged';
    const what = textOf(databaseError(this.path, error));
    logger.error(`The journal is damaged, and takes no new runs: ${what}`);
    if (!this.isCertain) this.tryLater(call);
  }

  private tryLater(call: () => Promise<unknown>): void {
    setTimeout(() => {
      if (this.closing.aborted) return;
      call().then(
        () => {
          this.obstacle = undefined;
          logger.log('The journal can be read again, and takes new runs: its disk had failed');
        },
        () => {
          this.tryLater(call);
        },
      );
    }, RETRY_MS).unref();
  }
}
