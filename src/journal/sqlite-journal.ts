import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { firstValueFrom, merge, Subject } from 'rxjs';
import type { NewEvent, RunEvent } from '../events/catalog.js';
import type { EventBus } from '../events/event-bus.js';
import { DomainError } from '../tasks/domain-error.js';
import { runOf } from '../tasks/run-state.js';
import type { Run } from '../tasks/run.js';
import { textOf } from '../tasks/thrown.js';
import { databaseError } from './database-error.js';
import { DatabaseLock } from './database-lock.js';
import { fileName, makeDirectory } from './database-path.js';
import { timeText } from './event-clock.js';
import { eventsOf, GroupOfEvents } from './event-rows.js';
import { Journal, type Obstacle } from './journal.js';
import { SqliteThread } from './sqlite-thread.js';
import type { EventRow, SqliteStore, StoreOptions } from './sqlite-store.js';

/** New runs are refused while as much as this waits for its commit, in characters of JSON. */
const MAX_UNCOMMITTED = 64 * 2 ** 20;
/** Between a commit that failed and its next try. */
const RETRY_MS = 250;
/** How long a stop waits for commits that fail. */
const DRAIN_MS = 5_000;
/** How many unfinished runs are read at a time. */
const PAGE_RUNS = 100;
/** Old runs go in batches, each a short transaction of its own, with pauses that leave the thread to the writers. */
const DELETE_BATCH = 100;
const DELETE_PAUSE_MS = 50;
const DELETE_EVERY_MS = 60_000;

export interface SqliteJournalOptions {
  readonly path: string;
  readonly durability: StoreOptions['durability'];
  /** How long finished runs are kept, in milliseconds; 0 for ever. */
  readonly retentionMs: number;
}

/**
 * The journal in an SQLite file. One thread writes; whatever is appended while a commit is under way goes into the
 * next one, so that all the runs in flight share its `fsync`. Another thread reads, so that no reader waits for that.
 */
export class SqliteJournal extends Journal {
  override readonly durable = true;
  private readonly logger = new Logger(SqliteJournal.name);
  private readonly writer: SqliteThread;
  private readonly reader: SqliteThread;
  private waiting: GroupOfEvents;
  private committing: GroupOfEvents | undefined;
  /** The writing that goes on, until nothing waits any more. */
  private writing: Promise<void> | undefined;
  /** Why commits fail. */
  private failure: string | undefined;
  /** Emits when a commit has failed. */
  private readonly failed = new Subject<void>();
  /** Aborted when it is closed: then nothing is tried again. */
  private readonly closing = new AbortController();
  /** The numbers of runs that take events. */
  private readonly numbers = new Map<string, number>();

  private constructor(
    private readonly bus: EventBus,
    private readonly options: SqliteJournalOptions,
    private readonly lock: DatabaseLock,
    threads: { readonly writer: SqliteThread; readonly reader: SqliteThread },
    private readonly openedAt: { readonly lastId: number; readonly unfinishedRuns: number },
  ) {
    super();
    this.writer = threads.writer;
    this.reader = threads.reader;
    this.waiting = new GroupOfEvents(openedAt.lastId + 1);
    if (options.retentionMs > 0) void this.deleteOldRuns();
  }

  /**
   * Opens the database, made where there is none, and brings its tables up to date.
   *
   * @throws {DatabaseError} when it can't be used
   */
  static async open(options: SqliteJournalOptions, bus: EventBus): Promise<SqliteJournal> {
    const path = fileName(options.path);
    const { durability } = options;
    let lock: DatabaseLock | undefined;
    const writer = new SqliteThread({ path, durability, role: 'writer' });
    try {
      makeDirectory(path);
      lock = DatabaseLock.take(path);
      const state = await writer.call('state');
      const reader = new SqliteThread({ path, durability, role: 'reader' });
      return new SqliteJournal(bus, { ...options, path }, lock, { writer, reader }, state);
    } catch (error) {
      lock?.release();
      await writer.kill();
      throw databaseError(path, error);
    }
  }

  override get obstacle(): Obstacle | undefined {
    if (this.failure !== undefined)
      return { code: 'journal-unavailable', message: 'The journal can’t be written; the log says why' };
    if (this.waiting.size + (this.committing?.size ?? 0) > MAX_UNCOMMITTED)
      return { code: 'overloaded', message: 'The journal falls behind what it is to write' };
    return undefined;
  }

  private isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  override append(event: NewEvent): Promise<undefined> {
    const id = this.waiting.nextId;
    if (event.type === 'run.started') this.numbers.set(event.runId, id);
    const number = this.numbers.get(event.runId);
    if (number === undefined) throw new Error(`The run ${event.runId} is not open`);
    if (event.type === 'run.finished') this.numbers.delete(event.runId);
    const ms = Date.now();
    this.waiting.add({ ...event, id, time: timeText(ms) }, number, ms);
    const { committed } = this.waiting;
    this.writing ??= this.writeAll();
    return committed;
  }

  override async run(id: string): Promise<Readonly<Run> | undefined> {
    for (const group of [this.waiting, this.committing]) {
      // While commits fail, readers get what is committed: nobody knows how long they would wait for the rest.
      if (this.failure === undefined && group?.tellsOf(id))
        await firstValueFrom(merge(group.committed, this.failed));
    }
    const rows = await this.read('eventsOfRun', id);
    return rows.length > 0 ? runOf(eventsOf(rows)) : undefined;
  }

  override async *unfinished(): AsyncIterable<readonly RunEvent[]> {
    const { lastId, unfinishedRuns } = this.openedAt;
    if (unfinishedRuns === 0) return;
    let rows = await this.readUnfinished(0, lastId);
    for (; rows.length > 0; rows = await this.readUnfinished(rows.at(-1)?.run ?? lastId, lastId)) {
      for (const { run_id: runId, run } of rows) this.numbers.set(runId, run);
      for (const rowsOfRun of Map.groupBy(rows, ({ run }) => run).values()) {
        const events = this.legible(rowsOfRun);
        if (events) yield events;
      }
    }
  }

  override async drain(): Promise<void> {
    const patience = new AbortController();
    const patienceEnds = delay(DRAIN_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    const until = performance.now() + DRAIN_MS;
    while (this.writing && performance.now() < until) await Promise.race([this.writing, patienceEnds]);
    patience.abort();
    const left = this.waiting.events.length + (this.committing?.events.length ?? 0);
    if (left > 0) this.logger.error(`Stopped before ${left} events were written: ${String(this.failure)}`);
  }

  override async close(): Promise<void> {
    this.closing.abort();
    await this.reader.close();
    await this.writer.close();
    this.lock.release();
  }

  private async writeAll(): Promise<void> {
    while (this.waiting.events.length > 0) {
      // A turn's worth at a time: that is fewer commits, and nobody waits longer for it than the turn takes.
      await nextTurn();
      const group = this.waiting;
      this.committing = group;
      this.waiting = new GroupOfEvents(group.nextId);
      if (!(await this.write(group))) return;
      this.committing = undefined;
      this.bus.publish(group.events);
      group.succeed();
    }
    this.writing = undefined;
  }

  /**
   * Tries until it succeeds: nothing that was accepted is given up because a disk is full or a thread has died.
   * False when the journal was closed instead.
   */
  private async write({ rows }: GroupOfEvents): Promise<boolean> {
    while (!this.isClosed()) {
      try {
        await this.writer.call('commit', rows);
        if (this.failure !== undefined) this.logger.log('The journal can be written again');
        this.failure = undefined;
        return true;
      } catch (error) {
        await this.afterFailure(error);
      }
    }
    return false;
  }

  private async afterFailure(error: unknown): Promise<void> {
    const message = textOf(databaseError(this.options.path, error));
    if (this.failure !== message && !this.isClosed())
      this.logger.error(`The journal can’t be written, and takes no new runs: ${message}`);
    this.failure = message;
    this.failed.next();
    // A new connection knows what has become of the commit, whatever the old one made of it.
    await this.writer.kill();
    await this.pause(RETRY_MS);
  }

  /** @throws {DomainError} `journal-unavailable` */
  private async read<M extends 'eventsOfRun' | 'eventsOfUnfinished'>(
    method: M,
    ...args: Parameters<SqliteStore[M]>
  ): Promise<EventRow[]> {
    try {
      return await this.reader.call(method, ...args);
    } catch (error) {
      throw new DomainError('journal-unavailable', `The journal can’t be read: ${textOf(error)}`);
    }
  }

  private async readUnfinished(after: number, upTo: number): Promise<EventRow[]> {
    let said: string | undefined;
    while (!this.isClosed()) {
      try {
        return await this.read('eventsOfUnfinished', after, upTo, PAGE_RUNS);
      } catch (error) {
        if (said !== textOf(error)) this.logger.error((said = textOf(error)));
        await this.pause(RETRY_MS);
      }
    }
    return [];
  }

  /** One run that is damaged keeps no other from being gone on with. */
  private legible(rows: readonly EventRow[]): RunEvent[] | undefined {
    try {
      return eventsOf(rows);
    } catch (error) {
      this.logger.error({
        msg: `Can’t be read, and so not gone on with: ${textOf(error)}`,
        runId: rows[0]?.run_id,
      });
      return undefined;
    }
  }

  private async deleteOldRuns(): Promise<void> {
    while (!this.isClosed()) {
      try {
        const before = Date.now() - this.options.retentionMs;
        const deleted = await this.writer.call('deleteFinished', before, DELETE_BATCH);
        await this.pause(deleted > 0 ? DELETE_PAUSE_MS : DELETE_EVERY_MS);
      } catch (error) {
        if (this.isClosed()) return;
        this.logger.warn(`Old runs could not be deleted: ${textOf(error)}`);
        await this.pause(DELETE_EVERY_MS);
      }
    }
  }

  /** Waits, but not past `close`. */
  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.closing.signal }).catch(() => undefined);
  }
}
