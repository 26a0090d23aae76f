import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Kysely } from 'kysely';
import { openDatabase, type OpenDatabase, type StoreOptions } from './sqlite-database.js';
import type { Schema } from './sqlite-schema.js';

/** Rows that one statement inserts, where there are so many. */
const ROWS_AT_ONCE = 8;

/** Events to be committed together, flat, because that crosses to a thread at a third of what objects cost. */
export interface EventGroup {
  readonly firstId: number;
  readonly lastId: number;
  /** `id, run, type, time, sub_task, attempt, data` of each event. */
  readonly events: readonly SQLInputValue[];
  /** `number, id, task, created_at, status` of each run that starts. */
  readonly started: readonly SQLInputValue[];
  /** `status, finished_at, number` of each run that finishes. */
  readonly finished: readonly SQLInputValue[];
}

/** An event as it is stored, with what of its run an event says. */
export type EventRow = Schema['events'] & { readonly run_id: string; readonly task: string };

/** The journal's database, for one thread that may wait on the disk. */
export class SqliteStore {
  /** The last event that is committed; 0 when there is none. */
  #lastId: number;
  readonly #database: DatabaseSync;
  readonly #db: Kysely<Schema>;
  readonly #statements = new Map<string, StatementSync>();

  private constructor({ database, db }: OpenDatabase, lastId: number) {
    this.#database = database;
    this.#db = db;
    this.#lastId = lastId;
  }

  /** @throws {StoreError} for a file that must not be written to; SQLite's errors for one that can't be */
  static async open(options: StoreOptions): Promise<SqliteStore> {
    const open = await openDatabase(options);
    const newest = open.db.selectFrom('events').select('id').orderBy('id', 'desc').limit(1);
    return new SqliteStore(open, (await newest.executeTakeFirst())?.id ?? 0);
  }

  /** What a journal must know before it writes. */
  async state(): Promise<{ lastId: number; unfinishedRuns: number }> {
    const { runs } = await this.#db
      .selectFrom('runs')
      .select(({ fn }) => fn.countAll<number>().as('runs'))
      .where('finished_at', 'is', null)
      .executeTakeFirstOrThrow();
    return { lastId: this.#lastId, unfinishedRuns: runs };
  }

  /** All or nothing. A group that is there already, because its thread died before it could say so, is left as it is. */
  commit({ firstId, lastId, events, started, finished }: EventGroup): void {
    if (lastId <= this.#lastId) return;
    if (firstId !== this.#lastId + 1)
      throw new Error(`The log ends with event ${this.#lastId}, so event ${firstId} can't be the next`);
    this.#run('BEGIN IMMEDIATE');
    try {
      this.#insert('runs (number, id, task, created_at, status)', 5, started);
      this.#insert('events (id, run, type, time, sub_task, attempt, data)', 7, events);
      const finish = this.#prepared('UPDATE runs SET status = ?, finished_at = ? WHERE number = ?');
      for (let at = 0; at < finished.length; at += 3) finish.run(...finished.slice(at, at + 3));
      this.#run('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#run('ROLLBACK');
      throw error;
    }
    this.#lastId = lastId;
  }

  /** The events of one run in their order; none when there is no such run. */
  eventsOfRun(id: string): Promise<EventRow[]> {
    return this.#events().where('runs.id', '=', id).orderBy('events.id').execute();
  }

  /** The events of the next unfinished runs behind the one numbered `after`, up to the one numbered `upTo`. */
  eventsOfUnfinished(after: number, upTo: number, limit: number): Promise<EventRow[]> {
    const next = this.#db
      .selectFrom('runs')
      .select('number')
      .where('finished_at', 'is', null)
      .where('number', '>', after)
      .where('number', '<=', upTo)
      .orderBy('number')
      .limit(limit);
    return this.#events()
      .where('events.run', 'in', next)
      .orderBy('events.run')
      .orderBy('events.id')
      .execute();
  }

  /**
   * Deletes the oldest runs that finished before a time, `limit` of them at most.
   * The run of the last event stays: the numbering goes on from it.
   *
   * @param before milliseconds since 1970
   * @returns how many it deleted
   */
  async deleteFinished(before: number, limit: number): Promise<number> {
    return this.#db.transaction().execute(async (transaction) => {
      const lastRun = transaction.selectFrom('events').select('run').orderBy('id', 'desc').limit(1);
      const runs = await transaction
        .selectFrom('runs')
        .select('number')
        // Ids begin with the time of creation (UUIDv7), so this bound spares looking at the runs behind it.
        .where('id', '<', before.toString(16).padStart(12, '0').replace(/^.{8}/, '$&-'))
        .where('finished_at', '<', before)
        .where('number', '!=', lastRun)
        .orderBy('id')
        .limit(limit)
        .execute();
      const numbers = runs.map(({ number }) => number);
      if (numbers.length === 0) return 0;
      await transaction.deleteFrom('events').where('run', 'in', numbers).execute();
      await transaction.deleteFrom('runs').where('number', 'in', numbers).execute();
      return numbers.length;
    });
  }

  close(): void {
    this.#database.close();
  }

  #events() {
    return this.#db
      .selectFrom('events')
      .innerJoin('runs', 'runs.number', 'events.run')
      .selectAll('events')
      .select(['runs.id as run_id', 'runs.task']);
  }

  /** Inserts several rows at once: a statement's call costs as much as a row. */
  #insert(table: string, columns: number, values: readonly SQLInputValue[]): void {
    const row = `(${Array(columns).fill('?').join(', ')})`;
    let at = 0;
    for (const rows of [ROWS_AT_ONCE, 1]) {
      const width = rows * columns;
      const statement = this.#prepared(`INSERT INTO ${table} VALUES ${Array(rows).fill(row).join(', ')}`);
      for (; at + width <= values.length; at += width) statement.run(...values.slice(at, at + width));
    }
  }

  #run(sql: string): void {
    this.#prepared(sql).run();
  }

  /** Statements of the hot path are compiled once: Kysely would compile them, and SQLite parse them, for every row. */
  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }
}
