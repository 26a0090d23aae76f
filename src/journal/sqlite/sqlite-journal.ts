import { setTimeout as delay } from 'node:timers/promises';
import type { RunEvent } from '../../core/events.js';
import { MemoryBudget } from '../../core/memory-budget.js';
import type { EventBus } from '../../events/event-bus.js';
import { unknownRun } from '../../core/domain-error.js';
import { runOf, type RunRecord } from '../../core/run-record.js';
import { textOf } from '../../core/thrown.js';
import { loggerOf } from '../../core/logger-of.js';
import { sizeOf } from './database-path.js';
import { parseEvents } from '../event-text.js';
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
import { SURVIVAL_MS } from '../survival.js';
import type { SqliteGroup } from './sqlite-group.js';
import { SqliteLog } from './sqlite-log.js';
import { JournalThreads } from './journal-threads.js';
import { keepTidy } from './keep-tidy.js';
import { openJournal, type OpenDatabase } from './open-journal.js';
import { SqliteErasure } from './sqlite-erasure.js';
import type { SqliteJournalOptions } from './sqlite-options.js';
import { SqliteNotes } from './sqlite-notes.js';
import { SqliteTokens } from './sqlite-tokens.js';
import { SqliteWebhooks } from './sqlite-webhooks.js';
import { storeDamage } from './store-error.js';
import { UnfinishedRuns } from './unfinished-runs.js';

/** How often the journal checks that its file still exists and that it may still write to it, in milliseconds. */
const WATCH_MS = 1_000;

const logger = loggerOf('journal');

/** The journal in an SQLite file. One thread writes in groups. Another thread reads, so that no reader waits for an `fsync`. */
export class SqliteJournal extends Journal {
  /** How often it is noted that this process has not died over what it resumed, in milliseconds. */
  static readonly survivalMs: number = SURVIVAL_MS;
  override readonly durable = true;
  private readonly log: SqliteLog;
  override readonly groups: GroupCommit<SqliteGroup>;
  private readonly left: UnfinishedRuns;
  private readonly erasure: SqliteErasure;
  private readonly threads: JournalThreads;
  override readonly tokens: SqliteTokens;
  override readonly notes: SqliteNotes;
  override readonly webhooks: SqliteWebhooks;
  override readonly setAside: Set<string>;
  private readonly damage: DamageWatch;
  /** Aborted when the journal is closed. Nothing is tried again then. */
  private readonly closing = new AbortController();
  /** A lasting reason to refuse new runs, until a restart. */
  private lasting: Obstacle | undefined;

  private constructor(
    bus: EventBus,
    private readonly database: OpenDatabase,
    private readonly options: SqliteJournalOptions,
    memory: MemoryBudget,
  ) {
    super();
    const { path, writer, reader, lastId, openRuns, setAside, clock } = database;
    const { signal } = this.closing;
    this.setAside = setAside;
    this.log = new SqliteLog(writer, reader, bus, path, lastId, () => {
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
      { lastId, openRuns: openRuns.filter((id) => !setAside.has(id)) },
      (ids) => this.countStart(ids),
      signal,
      () => this.lasting !== undefined || this.damage.isCertain,
    );
    keepTidy(writer, this.damage, options, clock, signal);
    // An empty commit finds out whether commits would succeed, also while no events come.
    void this.every(WATCH_MS, () => {
      this.groups.added();
    });
    void this.every(SqliteJournal.survivalMs, () => this.noteSurvival());
  }

  /**
   * Opens the database, creating it if needed, and migrates its tables.
   *
   * @param memory the budget that counts events that wait for the disk
   * @throws {DatabaseError} when the database can't be used
   */
  static async open(
    options: SqliteJournalOptions,
    bus: EventBus,
    memory = new MemoryBudget(),
  ): Promise<SqliteJournal> {
    return new SqliteJournal(bus, await openJournal(options), options, memory);
  }

  override get obstacle(): Obstacle | undefined {
    return this.lasting ?? this.damage.obstacle ?? this.groups.obstacle;
  }

  override append(run: JournaledRun, event: RunEvent, { key }: AppendOptions = {}): void {
    this.groups.waiting.add(run, event, key);
    this.groups.added();
  }

  override async claimKey(key: IdempotencyKey, runId: string): Promise<KeyedRun> {
    const after = this.database.clock.before(this.options.keyRetentionMs);
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
    // The file may have events that are not published yet.
    const upTo = this.lastEventId;
    const page = await this.threads.read((reader) => reader.call('events', query, upTo));
    if (!page) throw unknownRun(query.runId);
    return { events: parseEvents(page.texts), next: page.next };
  }

  override saveStatistics(changed: SavedStatistics, kept: Stretch): Promise<void> {
    return this.database.writer.call('saveStatistics', changed, kept);
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
    return sizeOf(this.database.path);
  }

  override drain(): Promise<void> {
    return this.groups.drain();
  }

  override async close(): Promise<void> {
    this.closing.abort();
    await this.groups.close();
    await this.noteSurvival();
    const { reader, writer, lock } = this.database;
    await reader.end();
    await writer.end();
    lock.release();
  }

  /** Runs are resumed even if the start can't be counted. */
  private async countStart(runIds: readonly string[]): Promise<void> {
    try {
      await this.database.writer.call('countStart', runIds);
    } catch (error) {
      logger.warn(`That unfinished runs are resumed could not be counted: ${textOf(error)}`);
    }
  }

  private async noteSurvival(): Promise<void> {
    await this.database.writer.call('survived').catch(() => undefined);
  }

  /** Called when another process has claimed the database, and with it all runs. This process ends. */
  private giveWay(): void {
    if (this.lasting) return;
    const message = 'Another process has taken over the journal';
    this.lasting = { code: 'journal-unavailable', message, lasting: true };
    this.closing.abort();
    logger.fatal(`${message}, and with it all runs: this one ends`);
    process.once('exit', () => (process.exitCode = 1));
    process.kill(process.pid, 'SIGTERM');
  }

  /** Repeats some work until the journal is closed. */
  private async every(ms: number, work: () => unknown): Promise<void> {
    const { signal } = this.closing;
    for (;;) {
      await delay(ms, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await work();
    }
  }
}
