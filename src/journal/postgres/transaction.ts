import { CompiledQuery } from 'kysely';
import pg from 'pg';
import { TransactionError, type CallerTransaction } from '../../core/caller-transaction.js';

/** Executes a statement in a transaction. In `text`, `$1` is the first of the values. */
export type Execute = (text: string, values: readonly string[]) => Promise<readonly unknown[]>;

/** The method by which each library's transaction is recognised. */
interface Shapes {
  /** Knex. */
  raw?: (sql: string, bindings: readonly string[]) => PromiseLike<unknown>;
  /** Kysely. */
  executeQuery?: (query: CompiledQuery) => PromiseLike<unknown>;
  /** The client of `pg`; TypeORM. */
  query?: (text: string, values: readonly string[]) => PromiseLike<unknown>;
  /** Drizzle. Its object has a member `query` too. */
  execute?: (query: string) => PromiseLike<unknown>;
}

const PARAMETER = /\$(\d+)/g;

/**
 * Recognises a caller's transaction by its shape, so that none of the libraries is needed here. The database checks that it is a
 * transaction.
 *
 * @throws {TransactionError} for anything else
 */
export function transactionOf(given: CallerTransaction): Execute {
  const one = Object(given) as Shapes;
  const isGiven = (name: keyof Shapes): boolean => typeof one[name] === 'function';
  if (isGiven('raw'))
    return async (text, values) => {
      const bindings: string[] = [];
      const sql = text.replaceAll(PARAMETER, (_parameter, place) => {
        bindings.push(values[Number(place) - 1] ?? '');
        return '?';
      });
      return rowsOf(await one.raw?.(sql, bindings));
    };
  if (isGiven('executeQuery'))
    return async (text, values) => rowsOf(await one.executeQuery?.(CompiledQuery.raw(text, [...values])));
  if (isGiven('query')) return async (text, values) => rowsOf(await one.query?.(text, [...values]));
  if (isGiven('execute'))
    return async (text, values) => {
      const literal = (_parameter: string, place: string) =>
        pg.escapeLiteral(values[Number(place) - 1] ?? '');
      return rowsOf(await one.execute?.(text.replaceAll(PARAMETER, literal)));
    };
  throw new TransactionError(
    `transaction takes a client of pg, a transaction of Kysely, Drizzle, TypeORM or Knex, or an object with query(text, values) that resolves with rows, and not ${kindOf(given)}`,
  );
}

/** TypeORM and some drivers of Drizzle return only the rows. @throws {TransactionError} */
function rowsOf(result: unknown): readonly unknown[] {
  const rows = Array.isArray(result) ? result : (Object(result) as { readonly rows?: unknown }).rows;
  if (Array.isArray(rows)) return rows as readonly unknown[];
  throw new TransactionError(`transaction resolves a query with ${kindOf(result)}, and not with rows`);
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return `a ${value.constructor.name}`;
}
