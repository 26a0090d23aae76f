import { DomainError } from '../../core/domain-error.js';
import { loggerOf } from '../../core/logger-of.js';
import { textOf } from '../../core/thrown.js';
import type { DamageWatch } from '../damage-watch.js';
import type { SqliteThread } from './sqlite-thread.js';

const logger = loggerOf('journal');

/** The threads that read and write the database, for everything except commits to the log. */
export class JournalThreads {
  /** Why the last read failed. */
  private unread: string | undefined;

  constructor(
    private readonly writer: SqliteThread,
    private readonly reader: SqliteThread,
    private readonly damage: DamageWatch,
  ) {}

  /** @throws {DomainError} `journal-unavailable`, `stopping` */
  async read<T>(what: (reader: SqliteThread) => Promise<T>): Promise<T> {
    try {
      const found = await this.damage.heed(() => what(this.reader));
      this.unread = undefined;
      return found;
    } catch (error) {
      if (error instanceof DomainError) throw error;
      const message = `The journal can’t be read: ${textOf(error)}`;
      if (this.unread !== message) logger.error((this.unread = message));
      throw new DomainError('journal-unavailable', message);
    }
  }

  /**
   * @param what safe to be done twice
   *
   * @throws {DomainError} `journal-unavailable`, `stopping`
   */
  async write<T>(what: (writer: SqliteThread) => Promise<T>): Promise<T> {
    try {
      return await this.damage.heed(() => what(this.writer));
    } catch (error) {
      if (error instanceof DomainError) throw error;
      throw new DomainError('journal-unavailable', `The journal can’t be written: ${textOf(error)}`);
    }
  }
}
