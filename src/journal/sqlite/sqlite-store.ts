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

/** The journal's database, for one thread that may wait on the disk. */
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

  /** @throws {StoreError} for a file that must not be written to; SQLite's errors for one that can't be */
  static open(options: StoreOptions): SqliteStore {
    return new SqliteStore(openDatabase(options), options);
  }

  /** Takes the database for its journal. Whoever has written it before is refused from now on. */
  claim(): void {
    this.#writer.claim();
  }

  /** What a journal must know before it writes. */
  state(): { lastId: number; openRuns: string[] } {
    return { lastId: this.#writer.lastId, openRuns: this.#reader.openRuns() };
  }

  /** When the newest run was created of those from before a time; both in milliseconds since 1970. */
  newestRun(before: number): number | undefined {
    return this.#statements.all<{ createdAt: number }>(NEWEST_RUN, firstIdOf(before), before)[0]?.createdAt;
  }

  /** The time of the last event, as text; undefined when there is none, or none any more. */
  lastTime(): string | undefined {
    const text = textsOf(this.#reader.last?.events ?? '[]').at(-1);
    return text && /"time":"([^"]*)"/.exec(text)?.[1];
  }

  /** See {@link CommitWriter.commit}. */
  commit(group: EventGroup): number[] | undefined {
    return this.#writer.commit(group);
  }

  /**
   * All events of a run up to one of them; undefined when there is no such run.
   *
   * @param commits that have them, where they are known
   */
  run(id: string, upTo: number, commits?: readonly number[]): RunTexts | undefined {
    return this.#reader.run(id, upTo, commits);
  }

  /** The run of an idempotency key that was first used after a time. */
  runOfKey(client: string, key: string, after: number): KeyedRun | undefined {
    return runOfKey(this.#statements, client, key, after);
  }

  /**
   * The runs that a query asks for, the newest first, and one more where there are more. Kysely makes the query, and is loaded with the
   * first one: it takes half of a thread's start.
   */
  async runs(query: RunQuery): Promise<RunRow[]> {
    const { historyOf } = await import('./sqlite-history.js');
    return historyOf(this.#database, this.#statements, query);
  }

  /** A page of events up to one of them; undefined for a run that there is none of. */
  events(query: EventQuery, upTo: number): TextPage | undefined {
    return this.#reader.page(query, upTo);
  }

  /** The ids of the runs that are set aside, the oldest first. */
  setAside(): string[] {
    return this.#writer.transaction(setAside);
  }

  /** Counts a start for each of some runs, which it is about to resume. */
  countStart(ids: readonly string[]): void {
    this.#writer.transaction((statements) => {
      countStart(statements, ids);
    });
  }

  /** Called when this start has not died over what it resumed. */
  survived(): void {
    this.#writer.transaction(survived);
  }

  /** Lets a run that is set aside go on. */
  takeBack(id: string): void {
    this.#writer.transaction((statements) => {
      takeBack(statements, id);
    });
  }

  /** Which open runs have events in the next commits behind an event: `id, first, size` of each run in each of them. */
  commitsOfOpen(after: number, upTo: number): OpenCommits {
    return this.#reader.commitsOfOpen(after, upTo);
  }

  /** The events of each of some runs, from commits that have them. */
  eventsOfRuns(ids: readonly string[], commits: readonly number[]): string[][] {
    return this.#reader.eventsOfRuns(ids, commits);
  }

  /** @returns how many it deleted */
  deleteFinished(before: number, limit: number): number {
    return this.#writer.transaction((statements) => deleteFinished(statements, before, limit));
  }

  erase(id: string): boolean {
    return this.#writer.transaction((statements) => eraseRun(statements, id));
  }

  /** Deletes keys that are older than a time, `limit` of them at most. @returns how many it deleted */
  deleteKeys(before: number, limit: number): number {
    return this.#writer.transaction((statements) => deleteKeys(statements, before, limit));
  }

  deleteNotes(before: number, limit: number): number {
    return this.#writer.transaction((statements) => deleteNotes(statements, before, limit));
  }

  /** All or nothing; for the parameters see the journal. */
  saveStatistics(changed: SavedStatistics, kept: Stretch): void {
    this.#writer.transaction((statements) => {
      saveStatistics(statements, changed, kept);
    });
  }

  savedStatistics(): SavedStatistics | undefined {
    return savedStatistics(this.#statements);
  }

  /** Reads what has nothing to do with the log. */
  read(what: keyof typeof READS, args: readonly unknown[]): unknown {
    return (READS[what] as BesideLog)(this.#statements, ...args);
  }

  /** Writes it. */
  write(what: keyof typeof WRITES, args: readonly unknown[]): unknown {
    const isSynced = this.#durability === 'process' || !UNSYNCED.has(what);
    const work = (): unknown =>
      this.#writer.transaction((statements) => (WRITES[what] as BesideLog)(statements, ...args));
    return isSynced ? work() : this.#statements.unsynced(work);
  }

  /**
   * Moves the write-ahead log to the database, and empties it.
   *
   * @param patienceMs how long to wait for readers; commits wait as long
   * @throws {Error} when a reader keeps it from that
   */
  checkpoint(patienceMs?: number): void {
    checkpoint(this.#statements, patienceMs);
  }

  close(): void {
    this.#statements.close();
    this.#writer.close();
  }
}
