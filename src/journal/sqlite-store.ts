import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Kysely } from 'kysely';
import { historyQuery, type RunRow } from './history-query.js';
import { openDatabase, type OpenDatabase, type StoreOptions } from './sqlite-database.js';
import {
  PAGE_SIZE,
  PAGE_STRETCH,
  type EventQuery,
  type KeyedRun,
  type RunQuery,
  type SavedStatistics,
  type Stretch,
} from './journal.js';
import { deleteFinished, deleteKeys } from './old-rows.js';
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
  /** `status, finished_at, number` of each run that finishes, or goes on again. */
  readonly finished: readonly SQLInputValue[];
  /** `client, key, fingerprint, run, created_at` of each idempotency key. */
  readonly keys: readonly SQLInputValue[];
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
    return this.#events().where('runs.id', '=', id).orderBy('events.id').execute();
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
    return (await historyQuery(query).execute(this.#db)).rows;
  }

  /**
   * A page of events up to one of them; undefined for a run that there is none of. The joins are `CROSS` ones, which SQLite
   * leaves in their order: else it might begin with all runs of a task.
   */
  async events(
    { after, limit, runId, task, types }: EventQuery,
    upTo: number,
  ): Promise<{ rows: EventRow[]; next: number } | undefined> {
    let query = this.#db
      .selectFrom('events')
      .crossJoin('runs')
      .whereRef('runs.number', '=', 'events.run')
      .selectAll('events')
      .select(['runs.id as run_id', 'runs.task'])
      .where('events.id', '>', after)
      .orderBy('events.id')
      .limit(limit);
    let last = upTo;
    if (runId === undefined) last = Math.min(upTo, (await this.#firstAfter(after)) + PAGE_STRETCH - 1);
    else query = query.where('events.run', '=', this.#numberOf(runId));
    if (types) query = query.where('events.type', 'in', types);
    if (task !== undefined) query = query.where('runs.task', '=', task);
    const rows: EventRow[] = [];
    let size = 0;
    for await (const row of query.where('events.id', '<=', last).stream()) {
      rows.push(row);
      size += row.data.length;
      if (rows.length === limit || size > PAGE_SIZE) return { rows, next: row.id };
    }
    if (rows.length === 0 && runId !== undefined && !(await this.#numberOf(runId).executeTakeFirst()))
      return undefined;
    return { rows, next: Math.max(after, last) };
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

  async savedStatistics(): Promise<SavedStatistics | undefined> {
    const counted = await this.#db
      .selectFrom('counted_events')
      .select(['up_to as upTo', 'read_from as readFrom'])
      .executeTakeFirst();
    return counted && { ...counted, slices: await this.#db.selectFrom('statistics').selectAll().execute() };
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

  #numberOf(runId: string) {
    return this.#db.selectFrom('runs').select('number').where('id', '=', runId);
  }

  /** The id of the first event behind one; retention leaves holes. */
  async #firstAfter(id: number): Promise<number> {
    const next = this.#db.selectFrom('events').select('id').where('id', '>', id).orderBy('id').limit(1);
    return (await next.executeTakeFirst())?.id ?? id + 1;
  }

  #events() {
    return this.#db
      .selectFrom('events')
      .innerJoin('runs', 'runs.number', 'events.run')
      .selectAll('events')
      .select(['runs.id as run_id', 'runs.task']);
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
