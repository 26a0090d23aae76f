import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { sql, type Kysely } from 'kysely';
import { historyQuery, type RunIndexes, type RunRow } from '../history-query.js';
import { openDatabase, type OpenDatabase, type StoreOptions } from './sqlite-database.js';
import type { KeyedRun } from '../../run/idempotency-key.js';
import type { EventQuery, RunQuery, SavedStatistics, Stretch } from '../../run/journal.js';
import { fillPage, LogQueries, type EventRow } from '../log-queries.js';
import { deleteFinished, deleteKeys } from '../old-rows.js';
import type { Schema } from './sqlite-schema.js';

/** Named because SQLite, which knows nothing of how the values are spread, would take the one without the task for both. */
export const RUN_INDEXES: RunIndexes = {
  ofStatus: sql`runs INDEXED BY runs_of_status`,
  ofTask: sql`runs INDEXED BY runs_of_task`,
};

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
  /** `status, finished_at, number` of each run that finishes, or goes on again. */
  readonly finished: readonly SQLInputValue[];
  /** `client, key, fingerprint, run, created_at` of each idempotency key. */
  readonly keys: readonly SQLInputValue[];
}

/** The journal's database, for one thread that may wait on the disk. */
export class SqliteStore {
  /** The last event that is committed; 0 when there is none. */
  #lastId: number;
  readonly #database: DatabaseSync;
  readonly #db: Kysely<Schema>;
  readonly #log: LogQueries;
  readonly #statements = new Map<string, StatementSync>();

  private constructor({ database, db }: OpenDatabase, lastId: number) {
    this.#database = database;
    this.#db = db;
    this.#log = new LogQueries(db);
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
  commit({ firstId, lastId, events, started, finished, keys }: EventGroup): void {
    if (lastId <= this.#lastId) return;
    if (firstId !== this.#lastId + 1)
      throw new Error(`The log ends with event ${this.#lastId}, so event ${firstId} can't be the next`);
    this.#transaction(() => {
      this.#insert('runs (number, id, task, created_at, status)', 5, started);
      // A key that is there has expired: else its run would have been found.
      this.#insert('idempotency_keys (client, key, fingerprint, run, created_at)', 5, keys, 'REPLACE');
      this.#insert('events (id, run, type, time, sub_task, attempt, data)', 7, events);
      const finish = this.#prepared('UPDATE runs SET status = ?, finished_at = ? WHERE number = ?');
      for (let at = 0; at < finished.length; at += 3) finish.run(...finished.slice(at, at + 3));
    });
    this.#lastId = lastId;
  }

  /** The events of one run in their order; none when there is no such run. */
  eventsOfRun(id: string): Promise<EventRow[]> {
    return this.#log.eventsOfRuns().where('runs.id', '=', id).orderBy('events.id').execute();
  }

  /** The run of an idempotency key that was first used after a time. */
  runOfKey(client: string, key: string, after: number): Promise<KeyedRun | undefined> {
    return this.#db
      .selectFrom('idempotency_keys')
      .innerJoin('runs', 'runs.number', 'idempotency_keys.run')
      .select(['runs.id as runId', 'fingerprint'])
      .where('client', '=', client)
      .where('key', '=', key)
      .where('idempotency_keys.created_at', '>', after)
      .executeTakeFirst();
  }

  /** The runs that a query asks for, the newest first, and one more where there are more. */
  async runs(query: RunQuery): Promise<RunRow[]> {
    return (await historyQuery(query, RUN_INDEXES).execute(this.#db)).rows;
  }

  /** A page of events up to one of them; undefined for a run that there is none of. */
  async events(query: EventQuery, upTo: number): Promise<{ rows: EventRow[]; next: number } | undefined> {
    const page = await this.#log.page(query, upTo);
    const { rows, full } = await fillPage(page.query.stream(), query.limit);
    const { after, runId } = query;
    if (rows.length === 0 && runId !== undefined && !(await this.#log.hasRun(runId))) return undefined;
    return { rows, next: full ? (rows.at(-1)?.id ?? after) : Math.max(after, page.last) };
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
    return this.#log
      .eventsOfRuns()
      .where('events.run', 'in', next)
      .orderBy('events.run')
      .orderBy('events.id')
      .execute();
  }

  /** @returns how many it deleted */
  deleteFinished(before: number, limit: number): Promise<number> {
    return deleteFinished(this.#db, before, limit);
  }

  /** @returns how many it deleted */
  deleteKeys(before: number, limit: number): Promise<number> {
    return deleteKeys(this.#db, before, limit);
  }

  /** All or nothing; for the parameters see the journal. */
  saveStatistics({ slices, upTo, readFrom }: SavedStatistics, { from, to }: Stretch): void {
    const rows = slices.flatMap(({ task, start, data }) => [task, start, data]);
    this.#transaction(() => {
      this.#insert('statistics (task, start, data)', 3, rows, 'REPLACE');
      this.#prepared('DELETE FROM statistics WHERE start < ? OR start > ?').run(from, to);
      this.#insert('counted_events (only, up_to, read_from)', 3, [1, upTo, readFrom], 'REPLACE');
    });
  }

  savedStatistics(): Promise<SavedStatistics | undefined> {
    return this.#log.savedStatistics();
  }

  close(): void {
    this.#database.close();
  }

  #transaction(work: () => void): void {
    this.#run('BEGIN IMMEDIATE');
    try {
      work();
      this.#run('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#run('ROLLBACK');
      throw error;
    }
  }

  /** Inserts several rows at once: a statement's call costs as much as a row. */
  #insert(
    table: string,
    columns: number,
    values: readonly SQLInputValue[],
    verb: 'INSERT' | 'REPLACE' = 'INSERT',
  ): void {
    const row = `(${Array(columns).fill('?').join(', ')})`;
    let at = 0;
    for (const rows of [ROWS_AT_ONCE, 1]) {
      const width = rows * columns;
      const statement = this.#prepared(`${verb} INTO ${table} VALUES ${Array(rows).fill(row).join(', ')}`);
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
