import { DomainError } from '../../core/domain-error.js';
import { textOf } from '../../core/thrown.js';
import type { TokenKeeping } from '../../run/token-keeping.js';
import type { SqliteThread } from './sqlite-thread.js';

type Read = <T>(what: (reader: SqliteThread) => Promise<T>) => Promise<T>;

/** What is kept for tokens in the database. */
export class SqliteTokens implements TokenKeeping {
  constructor(
    private readonly read: Read,
    private readonly writer: SqliteThread,
  ) {}

  secret(): Promise<string> {
    return this.read((reader) => reader.call('tokenSecret'));
  }

  async withdraw(id: string, until: number): Promise<void> {
    try {
      await this.writer.call('withdrawToken', id, until, Date.now());
    } catch (error) {
      throw new DomainError('journal-unavailable', `The journal can’t be written: ${textOf(error)}`);
    }
  }

  isWithdrawn(id: string): Promise<boolean> {
    return this.read((reader) => reader.call('isWithdrawn', id));
  }
}
