/**
 * An open transaction of the caller on the journal's database: a `pg` client after BEGIN, or the object that Kysely, Drizzle, TypeORM or Knex
 * pass to a transaction's callback. Any other object needs a `query(text, values)` that resolves with an array of rows, or with `{ rows }`.
 */
export type CallerTransaction =
  | { query(text: string, values: string[]): PromiseLike<unknown> }
  | { executeQuery(query: never): PromiseLike<unknown> }
  | { execute(query: string): PromiseLike<unknown> }
  | { raw(sql: string, bindings: string[]): PromiseLike<unknown> };

/** A run can't be started in this transaction, or in any transaction. The message says what to do instead. */
export class TransactionError extends Error {
  readonly code = 'transaction-unusable';

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'TransactionError';
  }
}
