import { loggerOf } from '../core/logger-of.js';
import type { Obstacle } from '../run/journal.js';

/** Pause between two tries to read a damaged page again, in milliseconds. */
const RETRY_MS = 5_000;

const logger = loggerOf('journal');

/** The damage that an error reports. */
export interface Damage {
  readonly message: string;
  /** Whether one of the journal's own checksums shows the damage. Repeating the call can't help then. */
  readonly isCertain: boolean;
}

/**
 * Refuses new runs while the journal is damaged, because a damaged journal can't keep promises about the rest. Damage may pass: SQLite
 * also calls a page damaged when the disk can't read it (EIO), and a Postgres may be repaired. So a call that finds damage is repeated,
 * once at once, and then every few seconds until it succeeds. Certain damage is not tried again.
 */
export class DamageWatch {
  obstacle: Obstacle | undefined;
  /** See {@link Damage}. */
  isCertain = false;

  /**
   * @param damageOf the damage that an error reports; undefined for other errors
   * @param closing aborted when nothing is to be tried again
   */
  constructor(
    private readonly damageOf: (error: unknown) => Damage | undefined,
    private readonly closing: AbortSignal,
  ) {}

  /**
   * Makes a call to the database, and repeats it when it finds damage.
   *
   * @param call safe to be made twice
   */
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
