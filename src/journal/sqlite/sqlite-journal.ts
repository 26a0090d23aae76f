import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunEvent } from '../../core/events.js';
import { MemoryBudget } from '../../core/memory-budget.js';
import type { EventBus } from '../../events/event-bus.js';
import { unknownRun } from '../../core/domain-error.js';
import { runOf, type RunRecord } from '../../core/run-record.js';
import { textOf } from '../../core/thrown.js';
import { loggerOf } from '../../core/logger-of.js';
import { databaseError } from '../database-error.js';
import { DatabaseLock, processName } from './database-lock.js';
import { keepPrivate, preparePath, sizeOf } from './database-path.js';
import { parseEvents } from '../event-text.js';
import { ClockWatch, PROOF_MS } from '../clock-watch.js';
import { DamageWatch } from '../damage-watch.js';
import { GroupCommit } from '../group-commit.js';
import { pageOfRows } from '../history-rows.js';
import type { IdempotencyKey, KeyedRun } from '../../run/idempotency-key.js';
import {
  Journal,
  type AppendOptions,
  type Obstacle,
  type SavedStatistics,
  type Stretch,
} from '../../run/journal.js';
import type { EventPage, EventQuery, RunPage, RunQuery } from '../../run/journal-pages.js';
import type { JournaledRun } from '../../run/journaled-run.js';
import { deleteOld, NOTES_A_RUN } from '../retention.js';
import { SURVIVAL_MS } from '../survival.js';
import type { SqliteGroup } from './sqlite-group.js';
import { SqliteLog } from './sqlite-log.js';
import { missingEnd } from './log-end.js';
import { JournalThreads } from './journal-threads.js';
import { fileAt } from './open-file.js';
import { SqliteThread } from './sqlite-thread.js';
import { SqliteErasure } from './sqlite-erasure.js';
import type { SqliteJournalOptions } from './sqlite-options.js';
import { SqliteNotes } from './sqlite-notes.js';
import { SqliteTokens } from './sqlite-tokens.js';
import { SqliteWebhooks } from './sqlite-webhooks.js';
import { sayEnd } from './unclosed-log.js';
import { storeDamage } from './store-error.js';
import { UnfinishedRuns } from './unfinished-runs.js';

/** How often it is seen to that the file and the right to write it are still there. */
const WATCH_MS = 1_000;

const logger = loggerOf('journal');

/** The journal in an SQLite file. One thread writes, in groups; another reads, so that no reader waits for an `fsync`. */
export class SqliteJournal extends Journal {
  override readonly durable = true;
  private readonly log: SqliteLog;
  override readonly groups: GroupCommit<SqliteGroup>;
  private readonly left: UnfinishedRuns;
  private readonly erasure: SqliteErasure;
  private readonly threads: JournalThreads;
  override readonly tokens: SqliteTokens;
  override readonly notes: SqliteNotes;
  override readonly webhooks: SqliteWebhooks;
  private readonly damage: DamageWatch;
  /** Aborted when it is closed: then nothing is tried again. */
  private readonly closing = new AbortController();
  /** Why no run is taken again before a restart. */
  private lasting: Obstacle | undefined;

  private constructor(
    bus: EventBus,
    private readonly lock: DatabaseLock,
    private readonly writer: SqliteThread,
    private readonly reader: SqliteThread,
    openedAt: { readonly lastId: number; readonly openRuns: readonly string[] },
    override readonly setAside: Set<string>,
    private readonly clock: ClockWatch,
    private readonly options: SqliteJournalOptions,
    memory: MemoryBudget,
  ) {
    super();
    const { path, retentionMs, keyRetentionMs } = options;
    const { signal } = this.closing;
    this.log = new SqliteLog(writer, reader, bus, path, openedAt.lastId, () => {
      this.giveWay();
    });
    this.damage = new DamageWatch((error) => storeDamage(path, error), signal);
    this.erasure = new SqliteErasure(this.damage, writer, bus, signal);
    this.threads = new JournalThreads(writer, reader, this.damage);
    this.tokens = new SqliteTokens(this.threads);
    this.notes = new SqliteNotes(this.threads);
    this.webhooks = new SqliteWebhooks(this.threads);
    this.groups = new GroupCommit(this.log, signal, memory);
    this.left = new UnfinishedRuns(
      (what) => this.threads.read(what),
      { ...openedAt, openRuns: openedAt.openRuns.filter((id) => !setAside.has(id)) },
      (ids) => this.countStart(ids),
      signal,
      () => this.lasting !== undefined || this.damage.isCertain,
    );
    const deleteFinished = (before: number, limit: number) =>
      this.damage.heed(() => writer.call('deleteFinished', before, limit));
    if (retentionMs > 0) void deleteOld(deleteFinished, retentionMs, clock, signal);
    const deleteKeys = (before: number, limit: number) =>
      this.damage.heed(() => writer.call('deleteKeys', before, limit));
    void deleteOld(deleteKeys, keyRetentionMs, clock, signal);
    const deleteNotes = (before: number, limit: number) =>
      this.damage.heed(() => writer.call('deleteNotes', before, NOTES_A_RUN * limit));
    void deleteOld(deleteNotes, 0, clock, signal);
    void this.watch();
    void this.survive();
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
      const clean = !statSync(`${path}-wal`, { throwIfNoEntry: false })?.size;
      const missing = missingEnd(path);
      const file = fileAt(path) ?? '';
      const terms = { path, file, durability, writer: { token: randomUUID(), name: processName() } };
      writer = new SqliteThread({ ...terms, role: 'writer' });
      await writer.call('claim');
      const state = await writer.call('state');
      if (!clean || missing !== undefined) sayEnd(state.lastId, await writer.call('lastTime'), missing);
      keepPrivate(path);
      const setAside = new Set(await writer.call('setAside'));
      const clock = new ClockWatch(await writer.call('newestRun', Date.now() - PROOF_MS));
      const reader = new SqliteThread({ ...terms, role: 'reader' });
      const settings = { ...options, path };
      return new SqliteJournal(bus, lock, writer, reader, state, setAside, clock, settings, memory);
    } catch (error) {
      await writer?.kill();
      lock?.release();
      throw databaseError(path, error);
    }
  }

  override get obstacle(): Obstacle | undefined {
    return this.lasting ?? this.damage.obstacle ?? this.groups.obstacle;
  }

  override append(run: JournaledRun, event: RunEvent, { key }: AppendOptions = {}): void {
    this.groups.waiting.add(run, event, key);
    this.groups.added();
  }

  override async claimKey(key: IdempotencyKey, runId: string): Promise<KeyedRun> {
    const after = this.clock.before(this.options.keyRetentionMs);
    const found = await this.threads.read((reader) => reader.call('runOfKey', key.client, key.key, after));
    return found ?? { runId, fingerprint: key.fingerprint };
  }

  override committed(runId: string): Promise<void> {
    return this.groups.committed(runId);
  }

  override async run(id: string, commits?: readonly number[]): Promise<Readonly<RunRecord> | undefined> {
    await this.groups.committed(id);
    const found = await this.threads.read((reader) =>
      reader.call('run', id, this.lastEventId, commits && [...commits]),
    );
    return found && runOf(parseEvents(found.texts), found.commits);
  }

  override async runs(query: RunQuery): Promise<RunPage> {
    const rows = await this.threads.read((reader) => reader.call('runs', query));
    return pageOfRows(rows, query.limit);
  }

  override get lastEventId(): number {
    return this.log.lastId;
  }

  override async events(query: EventQuery): Promise<EventPage> {
    if (query.runId !== undefined) await this.groups.committed(query.runId);
    // The file may be ahead of what was published.
    const upTo = this.lastEventId;
    const page = await this.threads.read((reader) => reader.call('events', query, upTo));
    if (!page) throw unknownRun(query.runId);
    return { events: parseEvents(page.texts), next: page.next };
  }

  override saveStatistics(changed: SavedStatistics, kept: Stretch): Promise<void> {
    return this.writer.call('saveStatistics', changed, kept);
  }

  override savedStatistics(): Promise<SavedStatistics | undefined> {
    return this.threads.read((reader) => reader.call('savedStatistics'));
  }

  override unfinished(): AsyncIterable<Readonly<RunRecord>> {
    return this.left.all();
  }

  override async takeBack(runId: string): Promise<void> {
    await this.threads.write((writer) => writer.call('takeBack', runId));
    this.setAside.delete(runId);
  }

  override erase(id: string): Promise<boolean> {
    return this.erasure.erase(id);
  }

  override fileBytes(): Promise<number> {
    return sizeOf(this.options.path);
  }

  override drain(): Promise<void> {
    return this.groups.drain();
  }

  override async close(): Promise<void> {
    this.closing.abort();
    await this.groups.close();
    await this.noteSurvival();
    await this.reader.end();
    await this.writer.end();
    this.lock.release();
  }

  /** What can't be counted is resumed all the same. */
  private async countStart(runIds: readonly string[]): Promise<void> {
    try {
      await this.writer.call('countStart', runIds);
    } catch (error) {
      logger.warn(`That unfinished runs are resumed could not be counted: ${textOf(error)}`);
    }
  }

  private async survive(): Promise<void> {
    for (;;) {
      await this.pause(SURVIVAL_MS);
      if (this.closing.signal.aborted) return;
      await this.noteSurvival();
    }
  }

  private async noteSurvival(): Promise<void> {
    await this.writer.call('survived').catch(() => undefined);
  }

  /** Finds out also while nothing is appended whether it could be committed. */
  private async watch(): Promise<void> {
    for (;;) {
      await this.pause(WATCH_MS);
      if (this.closing.signal.aborted) return;
      this.groups.added();
    }
  }

  /** Another process has taken over the database, and with it all runs: this one ends. */
  private giveWay(): void {
    if (this.lasting) return;
    const message = 'Another process has taken over the journal';
    this.lasting = { code: 'journal-unavailable', message, lasting: true };
    this.closing.abort();
    logger.fatal(`${message}, and with it all runs: this one ends`);
    process.once('exit', () => (process.exitCode = 1));
    process.kill(process.pid, 'SIGTERM');
  }

  /** Waits, but not past `close`. */
  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.closing.signal }).catch(() => undefined);
  }
}
