/**
 * A transaction of the caller on the database of the journal: a client of `pg` that has said BEGIN, or what Kysely, Drizzle, TypeORM and
 * Knex give to the function of a transaction. Anything else may have a `query(text, values)` that resolves with rows, or with their array as `rows`.
 */
export type CallerTransaction =
  | { query(text: string, values: string[]): PromiseLike<unknown> }
  | { executeQuery(query: never): PromiseLike<unknown> }
  | { execute(query: string): PromiseLike<unknown> }
  | { raw(sql: string, bindings: string[]): PromiseLike<unknown> };

/** A run can't be started in a transaction, or not in this one. The message says what to do instead. */
export class TransactionError extends Error {
  readonly code = 'transaction-unusable';

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'TransactionError';
  }
}
