import { StoreError } from './store-error.js';
import type { Statements } from './statements.js';

/** The writer of a database: whoever claimed it last. */
export interface Writer {
  /** Unique to this writer. */
  readonly token: string;
  /** For people. */
  readonly name: string;
}

/** Takes the database from its former writer. */
export function claim(statements: Statements, { token, name }: Writer): void {
  statements.run('REPLACE INTO writer (only, token, name) VALUES (1, ?, ?)', token, name);
}

/** To be called in each transaction that writes. @throws {StoreError} `superseded` when another has claimed the database */
export function expectClaim(statements: Statements, token: string): void {
  const [writer] = statements.all<Writer>('SELECT token, name FROM writer');
  if (writer?.token === token) return;
  throw new StoreError(
    `is written by ${writer?.name ?? 'nobody'} now; end one of the two, or set DATABASE_URL to another file`,
    'superseded',
  );
}
