import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { RunEvent } from '../../core/events.js';
import { MemoryBudget } from '../../core/memory-budget.js';
import type { EventBus } from '../../events/event-bus.js';
import { DomainError, unknownRun } from '../../core/domain-error.js';
import { runOf } from '../../core/run-record.js';
import type { RunRecord } from '../../core/run-record.js';
import { textOf } from '../../core/thrown.js';
import { databaseError } from '../database-error.js';
import { DatabaseLock } from './database-lock.js';
import { preparePath } from './database-path.js';
import { parseEvents } from '../event-text.js';
import { GroupCommit } from '../group-commit.js';
import { pageOfRows } from '../history-query.js';
import type { IdempotencyKey, KeyedRun } from '../../run/idempotency-key.js';
import {
  Journal,
  type AppendOptions,
  type EventPage,
  type EventQuery,
  type Obstacle,
  type RunPage,
  type RunQuery,
  type SavedStatistics,
  type Stretch,
} from '../../run/journal.js';
import type { JournaledRun } from '../../run/journaled-run.js';
import { deleteOld } from '../retention.js';
import type { SqliteGroup } from './sqlite-group.js';
import { SqliteLog } from './sqlite-log.js';
import { SqliteThread } from './sqlite-thread.js';
import type { StoreOptions } from './sqlite-database.js';

/** Between a page that can't be read and its next try. */
const RETRY_MS = 250;
/** How many unfinished runs are read at a time. */
const PAGE_RUNS = 100;

export interface SqliteJournalOptions {
  readonly path: string;
  readonly durability: StoreOptions['durability'];
  /** How long finished runs are kept, in milliseconds; 0 for ever. */
  readonly retentionMs: number;
  /** How long idempotency keys are kept, in milliseconds. */
  readonly keyRetentionMs: number;
}

/** The journal in an SQLite file. One thread writes, in groups; another reads, so that no reader waits for an `fsync`. */
export class SqliteJournal extends Journal {
  override readonly durable = true;
  private readonly logger = new Logger(SqliteJournal.name);
  private readonly log: SqliteLog;
  private readonly groups: GroupCommit<SqliteGroup>;
  /** Aborted when it is closed: then nothing is tried again. */
  private readonly closing = new AbortController();

  private constructor(
    bus: EventBus,
    private readonly lock: DatabaseLock,
    private readonly writer: SqliteThread,
    private readonly reader: SqliteThread,
    private readonly openedAt: { readonly lastId: number; readonly openRuns: readonly string[] },
    private readonly options: SqliteJournalOptions,
    memory: MemoryBudget,
  ) {
    super();
    const { path, retentionMs, keyRetentionMs } = options;
    const { signal } = this.closing;
    this.log = new SqliteLog(writer, bus, path, openedAt.lastId);
    this.groups = new GroupCommit(this.log, signal, memory);
    if (retentionMs > 0)
      void deleteOld((...old) => writer.call('deleteFinished', ...old), retentionMs, signal);
    void deleteOld((...old) => writer.call('deleteKeys', ...old), keyRetentionMs, signal);
  }

  /**
   * Opens the database, made where there is none, and brings its tables up to date.
   *
   * @param memory where what waits for the disk counts
   * @throws {DatabaseError} when it can't be used
   */
  static async open(
    options: SqliteJournalOptions,
    bus: EventBus,
    memory = new MemoryBudget(),
  ): Promise<SqliteJournal> {
    const { durability } = options;
    let path = resolve(options.path);
    let lock: DatabaseLock | undefined;
    let writer: SqliteThread | undefined;
    try {
      path = preparePath(path);
      lock = DatabaseLock.take(path);
      writer = new SqliteThread({ path, durability, role: 'writer' });
      const state = await writer.call('state');
      const reader = new SqliteThread({ path, durability, role: 'reader' });
      return new SqliteJournal(bus, lock, writer, reader, state, { ...options, path }, memory);
    } catch (error) {
      await writer?.kill();
      lock?.release();
      throw databaseError(path, error);
    }
  }

  override get obstacle(): Obstacle | undefined {
    return this.groups.obstacle;
  }

  override append(run: JournaledRun, event: RunEvent, { key }: AppendOptions = {}): void {
    this.groups.waiting.add(run, event, key);
    this.groups.added();
  }

  override async claimKey(key: IdempotencyKey, runId: string): Promise<KeyedRun> {
    const after = Date.now() - this.options.keyRetentionMs;
    const found = await this.read((reader) => reader.call('runOfKey', key.client, key.key, after));
    return found ?? { runId, fingerprint: key.fingerprint };
  }

  override committed(runId: string): Promise<void> {
    return this.groups.committed(runId);
  }

  override async run(id: string, commits?: readonly number[]): Promise<Readonly<RunRecord> | undefined> {
    await this.groups.committed(id);
    const found = await this.read((reader) => reader.call('run', id, commits && [...commits]));
    return found && runOf(parseEvents(found.texts), found.commits);
  }

  override async runs(query: RunQuery): Promise<RunPage> {
    const rows = await this.read((reader) => reader.call('runs', query));
    return pageOfRows(rows, query.limit);
  }

  override get lastEventId(): number {
    return this.log.lastId;
  }

  override async events(query: EventQuery): Promise<EventPage> {
    if (query.runId !== undefined) await this.groups.committed(query.runId);
    // The file may be ahead of what was published.
    const upTo = this.lastEventId;
    const page = await this.read((reader) => reader.call('events', query, upTo));
    if (!page) throw unknownRun(query.runId);
    return { events: parseEvents(page.texts), next: page.next };
  }

  override saveStatistics(changed: SavedStatistics, kept: Stretch): Promise<void> {
    return this.writer.call('saveStatistics', changed, kept);
  }

  override savedStatistics(): Promise<SavedStatistics | undefined> {
    return this.read((reader) => reader.call('savedStatistics'));
  }

  override async *unfinished(): AsyncIterable<Readonly<RunRecord>> {
    const commitsOf = await this.commitsOfUnfinished();
    const runs = [...commitsOf];
    for (let at = 0; at < runs.length; at += PAGE_RUNS) {
      const page = runs.slice(at, at + PAGE_RUNS);
      const commits = [...new Set(page.flatMap(([, firsts]) => firsts))].sort((a, b) => a - b);
      const ids = page.map(([id]) => id);
      const textsOfRuns = await this.readUntilClosed((reader) => reader.call('eventsOfRuns', ids, commits));
      if (!textsOfRuns) return;
      for (const [index, [id, firsts]] of page.entries()) {
        const run = this.legible(id, textsOfRuns[index] ?? [], firsts);
        if (run) yield run;
      }
    }
  }

  override drain(): Promise<void> {
    return this.groups.drain();
  }

  override async close(): Promise<void> {
    this.closing.abort();
    await this.groups.close();
    await this.reader.close();
    await this.writer.close();
    this.lock.release();
  }

  /** @throws {DomainError} `journal-unavailable` */
  private async read<T>(what: (reader: SqliteThread) => Promise<T>): Promise<T> {
    try {
      return await what(this.reader);
    } catch (error) {
      throw new DomainError('journal-unavailable', `The journal can’t be read: ${textOf(error)}`);
    }
  }

  /** The commits of each run that was unfinished when the database was opened, the oldest run first. */
  private async commitsOfUnfinished(): Promise<Map<string, number[]>> {
    const { lastId, openRuns } = this.openedAt;
    const commitsOf = new Map(openRuns.map((id) => [id, [] as number[]]));
    for (let after = 0; openRuns.length > 0 && after < lastId;) {
      const from = after;
      const found = await this.readUntilClosed((reader) => reader.call('commitsOfOpen', from, lastId));
      if (!found) break;
      after = found.next;
      for (let at = 0; at < found.pairs.length; at += 2)
        commitsOf.get(found.pairs[at] as string)?.push(found.pairs[at + 1] as number);
    }
    return commitsOf;
  }

  /** What a read brings, which is tried until it succeeds; undefined once the journal is closed. */
  private async readUntilClosed<T>(what: (reader: SqliteThread) => Promise<T>): Promise<T | undefined> {
    let said: string | undefined;
    while (!this.isClosed()) {
      try {
        return await this.read(what);
      } catch (error) {
        if (said !== textOf(error)) this.logger.error((said = textOf(error)));
        await this.pause(RETRY_MS);
      }
    }
    return undefined;
  }

  /** One run that is damaged keeps no other from being gone on with. */
  private legible(
    runId: string,
    texts: readonly string[],
    commits: readonly number[],
  ): RunRecord | undefined {
    try {
      return runOf(parseEvents(texts), commits);
    } catch (error) {
      this.logger.error({ msg: `Can’t be read, and so not gone on with: ${textOf(error)}`, runId });
      return undefined;
    }
  }

  private isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  /** Waits, but not past `close`. */
  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.closing.signal }).catch(() => undefined);
  }
}
