import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { LogDatabase } from './log-proof.ts';

/** The database of a service in its directory. */
export const databaseIn = (directory: string) => join(directory, 'crash.db');

/** The log of a service that has it to itself. */
export class SqliteLog implements LogDatabase, Disposable {
  readonly #file: DatabaseSync;

  constructor(directory: string) {
    this.#file = new DatabaseSync(databaseIn(directory), { readOnly: true });
  }

  rows<Row>(sql: string): Promise<Row[]> {
    return Promise.resolve(this.#file.prepare(sql).all() as Row[]);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
