import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** Rows that one statement inserts, where there are so many. */
const ROWS_AT_ONCE = 8;

/** The statements of a connection, each compiled once: SQLite would parse them for every call. */
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

  /** Rows one after the other. Whoever stops before the last one must leave the loop by `break` or `return`. */
  each<Row>(sql: string, ...values: readonly SQLInputValue[]): Iterable<Row> {
    const statement = this.prepare(sql);
    try {
      return statement.iterate(...values) as Iterable<Row>;
    } catch {
      // Node throws here what the last row of the iteration before has met, once: it resets the statement.
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

  /** Does work whose commits are with the system when they return, and on the disk with the next one that isn’t done so. */
  unsynced<T>(work: () => T): T {
    this.run('PRAGMA synchronous = NORMAL');
    try {
      return work();
    } finally {
      this.run('PRAGMA synchronous = FULL');
    }
  }

  /** Reads several times from one state of the database. */
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
