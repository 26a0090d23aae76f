import type { TokenKeeping } from '../../run/token-keeping.js';
import type { JournalThreads } from './journal-threads.js';

/** Keeps the tokens' secret and withdrawn tokens in the SQLite database. */
export class SqliteTokens implements TokenKeeping {
  constructor(private readonly threads: JournalThreads) {}

  secret(): Promise<string> {
    return this.threads.read((reader) => reader.read('tokenSecret'));
  }

  withdraw(id: string, until: number): Promise<void> {
    return this.threads.write((writer) => writer.write('withdrawToken', id, until, Date.now()));
  }

  isWithdrawn(id: string): Promise<boolean> {
    return this.threads.read((reader) => reader.read('isWithdrawn', id));
  }
}
