import type { DatabaseSync } from 'node:sqlite';
import type { KeyedRun } from '../../run/idempotency-key.js';
import type { SavedStatistics, Stretch } from '../../run/journal.js';
import type { EventQuery, RunQuery } from '../../run/journal-pages.js';
import { textsOf } from '../event-text.js';
import type { RunRow } from '../history-rows.js';
import { READS, UNSYNCED, WRITES } from './beside-log.js';
import { firstIdOf } from '../event-clock.js';
import { CommitReader, type OpenCommits, type RunTexts, type TextPage } from './commit-reader.js';
import { CommitWriter } from './commit-writer.js';
import { deleteFinished, eraseRun } from './old-runs.js';
import { deleteKeys, runOfKey } from './key-rows.js';
import { deleteNotes } from './note-rows.js';
import { NEWEST_RUN } from './run-rows.js';
import { savedStatistics, saveStatistics } from './saved-statistics.js';
import { checkpoint, openDatabase, type StoreOptions } from './sqlite-database.js';
import type { EventGroup } from './sqlite-group.js';
import { Statements } from './statements.js';
import { countStart, setAside, survived, takeBack } from './started-over.js';

type BesideLog = (statements: Statements, ...args: readonly unknown[]) => unknown;

/** The journal's database, for use in a thread that may wait for the disk. */
export class SqliteStore {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  readonly #reader: CommitReader;
  readonly #writer: CommitWriter;
  readonly #durability: StoreOptions['durability'];

  private constructor(database: DatabaseSync, options: StoreOptions) {
    this.#database = database;
    this.#statements = new Statements(database);
    this.#reader = new CommitReader(this.#statements);
    this.#writer = new CommitWriter(this.#statements, this.#reader, options);
    this.#durability = options.durability;
  }

  /** @throws {StoreError} for a file that must not be written to, and errors of SQLite for one that can't be */
  static open(options: StoreOptions): SqliteStore {
    return new SqliteStore(openDatabase(options), options);
  }

  /** Claims the database for its journal. The process that wrote it before is refused from now on. */
  claim(): void {
    this.#writer.claim();
  }

  /** The state that a journal needs before it writes. */
  state(): { lastId: number; openRuns: string[] } {
    return { lastId: this.#writer.lastId, openRuns: this.#reader.openRuns() };
  }

  /** When the newest run that is older than a time was created. Both are milliseconds since 1970. */
  newestRun(before: number): number | undefined {
    return this.#statements.all<{ createdAt: number }>(NEWEST_RUN, firstIdOf(before), before)[0]?.createdAt;
  }

  /** The time of the last event, as text; undefined when no events remain. */
  lastTime(): string | undefined {
    const text = textsOf(this.#reader.last?.events ?? '[]').at(-1);
    return text && /"time":"([^"]*)"/.exec(text)?.[1];
  }

  /** See {@link CommitWriter.commit}. */
  commit(group: EventGroup): number[] | undefined {
    return this.#writer.commit(group);
  }

  /**
   * All events of a run up to the event `upTo`; undefined when there is no such run.
   *
   * @param commits the commits with events of the run, if known
   */
  run(id: string, upTo: number, commits?: readonly number[]): RunTexts | undefined {
    return this.#reader.run(id, upTo, commits);
  }

  /** The run of an idempotency key that was first used after a time. */
  runOfKey(client: string, key: string, after: number): KeyedRun | undefined {
    return runOfKey(this.#statements, client, key, after);
  }

  /**
   * The runs that a query asks for, the newest first, and one more if there are more. Kysely makes the query. It is loaded with the first
   * query, because loading it takes half of a thread's start.
   */
  async runs(query: RunQuery): Promise<RunRow[]> {
    const { historyOf } = await import('./sqlite-history.js');
    return historyOf(this.#database, this.#statements, query);
  }

  /** A page of events up to the event `upTo`; undefined when the query is for a run that doesn't exist. */
  events(query: EventQuery, upTo: number): TextPage | undefined {
    return this.#reader.page(query, upTo);
  }

  /** The ids of the runs that are set aside, the oldest first. */
  setAside(): string[] {
    return this.#writer.transaction(setAside);
  }

  /** Counts a start for each of the runs that the journal is about to resume. */
  countStart(ids: readonly string[]): void {
    this.#writer.transaction((statements) => {
      countStart(statements, ids);
    });
  }

  /** Called when this start has survived what it resumed. Deaths are then counted from 0 again. */
  survived(): void {
    this.#writer.transaction(survived);
  }

  /** Lets a run that was set aside be resumed. */
  takeBack(id: string): void {
    this.#writer.transaction((statements) => {
      takeBack(statements, id);
    });
  }

  /** Finds events of open runs in the next commits after an event: `id, first, size` for each run in each commit. */
  commitsOfOpen(after: number, upTo: number): OpenCommits {
    return this.#reader.commitsOfOpen(after, upTo);
  }

  /** The events of each run, from the commits that have them. */
  eventsOfRuns(ids: readonly string[], commits: readonly number[]): string[][] {
    return this.#reader.eventsOfRuns(ids, commits);
  }

  /** @returns how many were deleted */
  deleteFinished(before: number, limit: number): number {
    return this.#writer.transaction((statements) => deleteFinished(statements, before, limit));
  }

  erase(id: string): boolean {
    return this.#writer.transaction((statements) => eraseRun(statements, id));
  }

  /** Deletes keys that are older than a time, at most `limit`. @returns how many were deleted */
  deleteKeys(before: number, limit: number): number {
    return this.#writer.transaction((statements) => deleteKeys(statements, before, limit));
  }

  deleteNotes(before: number, limit: number): number {
    return this.#writer.transaction((statements) => deleteNotes(statements, before, limit));
  }

  /** Saves all of the changes or nothing. For the parameters see the journal. */
  saveStatistics(changed: SavedStatistics, kept: Stretch): void {
    this.#writer.transaction((statements) => {
      saveStatistics(statements, changed, kept);
    });
  }

  savedStatistics(): SavedStatistics | undefined {
    return savedStatistics(this.#statements);
  }

  /** Reads a table beside the log. */
  read(what: keyof typeof READS, args: readonly unknown[]): unknown {
    return (READS[what] as BesideLog)(this.#statements, ...args);
  }

  /** Writes a table beside the log. */
  write(what: keyof typeof WRITES, args: readonly unknown[]): unknown {
    const isSynced = this.#durability === 'process' || !UNSYNCED.has(what);
    const work = (): unknown =>
      this.#writer.transaction((statements) => (WRITES[what] as BesideLog)(statements, ...args));
    return isSynced ? work() : this.#statements.unsynced(work);
  }

  /**
   * Moves the write-ahead log to the database, and empties the log.
   *
   * @param patienceMs how long to wait for readers, in milliseconds; commits wait as long
   * @throws {Error} when a reader prevents it
   */
  checkpoint(patienceMs?: number): void {
    checkpoint(this.#statements, patienceMs);
  }

  close(): void {
    this.#statements.close();
    this.#writer.close();
  }
}
