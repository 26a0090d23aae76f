import type { DatabaseSync } from 'node:sqlite';
import type { KeyedRun } from '../../run/idempotency-key.js';
import type { SavedStatistics, Stretch } from '../../run/journal.js';
import type { EventQuery, RunQuery } from '../../run/journal-pages.js';
import { textsOf } from '../event-text.js';
import type { RunRow } from '../history-rows.js';
import { chainedTo, linkOf, NO_LINK, WRITTEN } from './commit-row.js';
import { READS, UNSYNCED, WRITES } from './beside-log.js';
import { firstIdOf } from '../event-clock.js';
import { CommitReader, type OpenCommits, type RunTexts, type TextPage } from './commit-reader.js';
import { deleteFinished, eraseRun } from './old-runs.js';
import { deleteKeys, insertKeys, runOfKey } from './key-rows.js';
import { LogEnd } from './log-end.js';
import { deleteNotes } from './note-rows.js';
import { OpenFiles } from './open-file.js';
import { NEWEST_RUN, refusedOf, writeRuns } from './run-rows.js';
import { savedStatistics, saveStatistics } from './saved-statistics.js';
import { checkpoint, openDatabase, type StoreOptions } from './sqlite-database.js';
import type { EventGroup } from './sqlite-group.js';
import { Statements } from './statements.js';
import { countStart, setAside, survived, takeBack } from './started-over.js';
import { claim, expectClaim, type Writer } from './writer-claim.js';

type BesideLog = (statements: Statements, ...args: readonly unknown[]) => unknown;

/** The journal's database, for one thread that may wait on the disk. */
export class SqliteStore {
  /** The last event that is committed; 0 when there is none. */
  #lastId = 0;
  /** The link of the last row. */
  #link = NO_LINK;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  readonly #reader: CommitReader;
  readonly #writer: Writer;
  readonly #files: OpenFiles;
  readonly #end: LogEnd;
  readonly #durability: StoreOptions['durability'];
  /** Which log it is. */
  readonly #log: number;

  private constructor(database: DatabaseSync, { path, file, writer, durability }: StoreOptions) {
    this.#database = database;
    this.#writer = writer;
    this.#files = new OpenFiles(path, file);
    this.#statements = new Statements(database);
    this.#reader = new CommitReader(this.#statements);
    this.#end = new LogEnd(path);
    this.#durability = durability;
    this.#log = this.#statements.all<{ user_version: number }>('PRAGMA user_version')[0]?.user_version ?? 0;
    this.#findEnd();
  }

  /** @throws {StoreError} for a file that must not be written to; SQLite's errors for one that can't be */
  static open(options: StoreOptions): SqliteStore {
    return new SqliteStore(openDatabase(options), options);
  }

  /** Takes the database for its journal. Whoever has written it before is refused from now on. */
  claim(): void {
    this.#statements.transaction(() => {
      claim(this.#statements, this.#writer);
      // Whoever had it may have written since it was opened.
      this.#findEnd();
    });
    this.#files.check();
  }

  /** What a journal must know before it writes. */
  state(): { lastId: number; openRuns: string[] } {
    return { lastId: this.#lastId, openRuns: this.#reader.openRuns() };
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

  /**
   * All or nothing. A group that is there already, because its thread died before it could say so, is left as it is, and so is one
   * without events, which shows whether others could be committed.
   *
   * @returns the ids of its events that are refused, where it reopens runs
   * @throws {StoreError} `superseded`; `file-gone` or `log-gone`, where the group may be in files that nobody finds
   */
  commit(group: EventGroup): number[] | undefined {
    if (group.lastId > this.#lastId) this.#write(group);
    else
      this.#statements.snapshot(() => {
        expectClaim(this.#statements, this.#writer.token);
      });
    this.#files.check();
    this.#end.write({
      log: this.#log,
      last: this.#lastId,
      link: this.#link,
      durability: this.#durability,
    });
    return group.reopened.length === 0 ? undefined : refusedOf(this.#statements, group);
  }

  #write(group: EventGroup): void {
    const { firstId, lastId, commits, keys } = group;
    const rows = chainedTo(this.#link, commits);
    this.#transaction((statements) => {
      if (firstId !== this.#lastId + 1)
        throw new Error(`The log ends with event ${this.#lastId}, so event ${firstId} can't be the next`);
      statements.insert(`commits (${WRITTEN})`, 5, rows);
      insertKeys(statements, keys);
      writeRuns(statements, group);
    });
    this.#lastId = lastId;
    this.#link = rows.at(-1) as number;
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
    return this.#transaction(setAside);
  }

  /** Counts a start for each of some runs, which it is about to resume. */
  countStart(ids: readonly string[]): void {
    this.#transaction((statements) => {
      countStart(statements, ids);
    });
  }

  /** Called when this start has not died over what it resumed. */
  survived(): void {
    this.#transaction(survived);
  }

  /** Lets a run that is set aside go on. */
  takeBack(id: string): void {
    this.#transaction((statements) => {
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
    return this.#transaction((statements) => deleteFinished(statements, before, limit));
  }

  erase(id: string): boolean {
    return this.#transaction((statements) => eraseRun(statements, id));
  }

  /** Deletes keys that are older than a time, `limit` of them at most. @returns how many it deleted */
  deleteKeys(before: number, limit: number): number {
    return this.#transaction((statements) => deleteKeys(statements, before, limit));
  }

  deleteNotes(before: number, limit: number): number {
    return this.#transaction((statements) => deleteNotes(statements, before, limit));
  }

  /** All or nothing; for the parameters see the journal. */
  saveStatistics(changed: SavedStatistics, kept: Stretch): void {
    this.#transaction((statements) => {
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
      this.#transaction((statements) => (WRITES[what] as BesideLog)(statements, ...args));
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
    this.#end.close();
  }

  #findEnd(): void {
    const { last } = this.#reader;
    this.#lastId = last?.last ?? 0;
    this.#link = last ? linkOf(last) : NO_LINK;
  }

  /** All or nothing of it, as long as no other process has claimed the database. */
  #transaction<T>(work: (statements: Statements) => T): T {
    return this.#statements.transaction(() => {
      expectClaim(this.#statements, this.#writer.token);
      return work(this.#statements);
    });
  }
}
