import { chainedTo, linkOf, NO_LINK, WRITTEN } from './commit-row.js';
import type { CommitReader } from './commit-reader.js';
import { insertKeys } from './key-rows.js';
import { LogEnd } from './log-end.js';
import { OpenFiles } from './open-file.js';
import { refusedOf, writeRuns } from './run-rows.js';
import type { StoreOptions } from './sqlite-database.js';
import type { EventGroup } from './sqlite-group.js';
import type { Statements } from './statements.js';
import { claim, expectClaim, type Writer } from './writer-claim.js';

/** Appends groups to the log, and writes the other tables, until another process claims the database. */
export class CommitWriter {
  /** The last event that is committed; 0 when there is none. */
  #lastId = 0;
  /** The link of the last row. */
  #link = NO_LINK;
  readonly #statements: Statements;
  readonly #reader: CommitReader;
  readonly #writer: Writer;
  readonly #files: OpenFiles;
  readonly #end: LogEnd;
  readonly #durability: StoreOptions['durability'];
  /** The number that identifies this log. */
  readonly #log: number;

  constructor(
    statements: Statements,
    reader: CommitReader,
    { path, file, writer, durability }: StoreOptions,
  ) {
    this.#statements = statements;
    this.#reader = reader;
    this.#writer = writer;
    this.#files = new OpenFiles(path, file);
    this.#end = new LogEnd(path);
    this.#durability = durability;
    this.#log = statements.all<{ user_version: number }>('PRAGMA user_version')[0]?.user_version ?? 0;
    this.#findEnd();
  }

  get lastId(): number {
    return this.#lastId;
  }

  /** Claims the database for its journal. The process that wrote it before is refused from now on. */
  claim(): void {
    this.#statements.transaction(() => {
      claim(this.#statements, this.#writer);
      // The former writer may have committed since this one opened the database.
      this.#findEnd();
    });
    this.#files.check();
  }

  /**
   * Commits all of the group or nothing. A group that is already committed is left as it is: its thread died before it could say so. A
   * group without events writes nothing either: it tests whether groups can be committed.
   *
   * @returns ids of the events that are refused, if the group reopens runs
   * @throws {StoreError} `superseded`; also `file-gone` or `log-gone`: then the group may be in files that nobody can open any more
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

  /** Does all of the work or nothing. @throws {StoreError} `superseded` */
  transaction<T>(work: (statements: Statements) => T): T {
    return this.#statements.transaction(() => {
      expectClaim(this.#statements, this.#writer.token);
      return work(this.#statements);
    });
  }

  close(): void {
    this.#end.close();
  }

  #write(group: EventGroup): void {
    const { firstId, lastId, commits, keys } = group;
    const rows = chainedTo(this.#link, commits);
    this.transaction((statements) => {
      if (firstId !== this.#lastId + 1)
        throw new Error(`The log ends with event ${this.#lastId}, so event ${firstId} can't be the next`);
      statements.insert(`commits (${WRITTEN})`, 5, rows);
      insertKeys(statements, keys);
      writeRuns(statements, group);
    });
    this.#lastId = lastId;
    this.#link = rows.at(-1) as number;
  }

  #findEnd(): void {
    const { last } = this.#reader;
    this.#lastId = last?.last ?? 0;
    this.#link = last ? linkOf(last) : NO_LINK;
  }
}
