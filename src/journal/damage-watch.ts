import { loggerOf } from '../core/logger-of.js';
import type { Obstacle } from '../run/journal.js';

/** Between two tries whether a page can be read again, in milliseconds. */
const RETRY_MS = 5_000;

const logger = loggerOf('journal');

/** What an error says of damage. */
export interface Damage {
  readonly message: string;
  /** Whether a checksum of ours tells of it: no repetition mends that. */
  readonly isCertain: boolean;
}

/**
 * Keeps new runs away from a journal that has lost a part: who has can't keep promises about the rest. SQLite says that a page is
 * damaged also where the disk can't read it (EIO), and a Postgres may be repaired. So such a call is repeated: at once, and then until
 * it succeeds.
 */
export class DamageWatch {
  obstacle: Obstacle | undefined;
  /** See {@link Damage}. */
  isCertain = false;

  /**
   * @param damageOf undefined for an error that tells of none
   * @param closing aborted when nothing is to be tried again
   */
  constructor(
    private readonly damageOf: (error: unknown) => Damage | undefined,
    private readonly closing: AbortSignal,
  ) {}

  /** @param call what may be done twice */
  async heed<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (this.obstacle || !this.damageOf(error)) throw error;
    }
    try {
      return await call();
    } catch (error) {
      const damage = this.damageOf(error);
      if (damage) this.refuseRuns(damage, call);
      throw error;
    }
  }

  private refuseRuns({ message, isCertain }: Damage, call: () => Promise<unknown>): void {
    if (this.obstacle) return;
    this.obstacle = { code: 'journal-unavailable', message: 'The journal is damaged; the log says where' };
    this.isCertain = isCertain;
    logger.error(`The journal is damaged, and takes no new runs: ${message}`);
    if (!isCertain) this.tryLater(call);
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
