import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** How many rows one statement inserts, if there are that many. */
const ROWS_AT_ONCE = 8;

/** The statements of a connection. Each is compiled once: otherwise SQLite would parse it for every call. */
export class Statements {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (!statement) this.#prepared.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }

  all<Row>(sql: string, ...values: readonly SQLInputValue[]): Row[] {
    return this.prepare(sql).all(...values) as Row[];
  }

  /** Reads rows one after the other. A loop that ends before the last row must be left by `break` or `return`. */
  each<Row>(sql: string, ...values: readonly SQLInputValue[]): Iterable<Row> {
    const statement = this.prepare(sql);
    try {
      return statement.iterate(...values) as Iterable<Row>;
    } catch {
      // Node throws a former iteration's error here, once, because it resets the statement.
      return statement.iterate(...values) as Iterable<Row>;
    }
  }

  /** @returns how many rows it changed */
  run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.prepare(sql).run(...values).changes);
  }

  /** Runs a statement for each row of values. */
  runEach(sql: string, columns: number, values: readonly SQLInputValue[]): void {
    if (values.length === 0) return;
    const statement = this.prepare(sql);
    for (let at = 0; at < values.length; at += columns) statement.run(...values.slice(at, at + columns));
  }

  /** Inserts several rows at once: a statement's call costs as much as a row. */
  insert(
    table: string,
    columns: number,
    values: readonly SQLInputValue[],
    verb: 'INSERT' | 'REPLACE' = 'INSERT',
  ): void {
    const row = `(${Array(columns).fill('?').join(', ')})`;
    let at = 0;
    for (const rows of [ROWS_AT_ONCE, 1]) {
      const width = rows * columns;
      if (at + width > values.length) continue;
      const statement = this.prepare(`${verb} INTO ${table} VALUES ${Array(rows).fill(row).join(', ')}`);
      for (; at + width <= values.length; at += width) statement.run(...values.slice(at, at + width));
    }
  }

  /** Does all of the work or nothing. */
  transaction<T>(work: () => T): T {
    this.run('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.run('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.run('ROLLBACK');
      throw error;
    }
  }

  /** Does work whose commits don't wait for the disk. They reach the disk with the next commit that does. */
  unsynced<T>(work: () => T): T {
    this.run('PRAGMA synchronous = NORMAL');
    try {
      return work();
    } finally {
      this.run('PRAGMA synchronous = FULL');
    }
  }

  /** Lets several reads see the same state of the database. */
  snapshot<T>(read: () => T): T {
    this.run('BEGIN');
    try {
      return read();
    } finally {
      this.run('ROLLBACK');
    }
  }

  close(): void {
    this.#database.close();
  }
}
