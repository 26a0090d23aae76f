import { Subject } from 'rxjs';
import type { RunEvent } from '../../core/events.js';
import { MemoryBudget } from '../../core/memory-budget.js';
import type { EventBus } from '../../events/event-bus.js';
import type { RunRecord } from '../../core/run-record.js';
import { ClockWatch, PROOF_MS } from '../clock-watch.js';
import { GroupCommit } from '../group-commit.js';
import { NodeRow } from './node-row.js';
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
import { asking } from './asking.js';
import { eraseRun } from './erase-run.js';
import { CommitNotices } from './commit-notices.js';
import { DatabaseClock } from './database-clock.js';
import { JournalReads } from './journal-reads.js';
import { KeyClaims } from './key-claims.js';
import { LogTail } from './log-tail.js';
import { keepTidy } from './old-runs.js';
import { openDatabase } from './postgres-database.js';
import { MAX_HELD, type PostgresJournalOptions } from './postgres-options.js';
import type { PostgresGroup } from './postgres-group.js';
import { PostgresListener, type Notice } from './postgres-listener.js';
import { PostgresLog } from './postgres-log.js';
import { PostgresNotes } from './postgres-notes.js';
import { PostgresSharing } from './postgres-sharing.js';
import { PostgresStore } from './postgres-store.js';
import { PostgresTokens } from './postgres-tokens.js';
import { PostgresWebhooks } from './postgres-webhooks.js';
import { PostgresWriter } from './postgres-writer.js';
import { queueSchema } from './queues.js';
import type { SubTaskQueue } from './sub-task-queue.js';

/** A node's access to the journal that all nodes share in Postgres. It commits in groups, and follows the commits of other nodes. */
export class PostgresJournal extends Journal {
  override readonly durable = true;
  override readonly sharing: PostgresSharing;
  override readonly tokens: PostgresTokens;
  override readonly notes: PostgresNotes;
  override readonly webhooks: PostgresWebhooks;
  /** Notices from other nodes; undefined when some may have been missed. */
  readonly notices = new Subject<Notice | undefined>();
  private readonly node: NodeRow;
  private readonly closing = new AbortController();
  private readonly tail: LogTail;
  private readonly writer: PostgresWriter;
  override readonly groups: GroupCommit<PostgresGroup>;
  private readonly listener: PostgresListener;
  private readonly commitNotices: CommitNotices;
  private readonly keys: KeyClaims;
  private readonly reads: JournalReads;
  private readonly listening: Promise<void>;

  private constructor(
    private readonly bus: EventBus,
    readonly store: PostgresStore,
    readonly queue: SubTaskQueue | undefined,
    readonly clock: DatabaseClock,
    watch: ClockWatch,
    lastId: number,
    readonly options: PostgresJournalOptions,
    memory: MemoryBudget,
  ) {
    super();
    const { url, schema, keyRetentionMs } = options;
    const { signal } = this.closing;
    this.node = new NodeRow(store.db, options.role);
    this.tokens = new PostgresTokens(store.db, () => clock.now());
    this.notes = new PostgresNotes(store.db, () => clock.now());
    this.reads = new JournalReads(store, url, signal, queue && queueSchema(schema));
    this.webhooks = new PostgresWebhooks(store, this.node, this.notices, this.reads.damage);
    this.keys = new KeyClaims(store, bus, this.node, watch, keyRetentionMs, signal);
    this.tail = new LogTail(bus, (...stretch) => store.log.tail(...stretch), lastId);
    this.writer = new PostgresWriter(options, queue);
    this.commitNotices = new CommitNotices((id) => this.listener.tell(this.node.id, id));
    this.groups = new GroupCommit(
      new PostgresLog(url, this.writer, bus, this.tail, this.commitNotices, this.node, clock, () =>
        this.sharing.lose(),
      ),
      signal,
      memory,
    );
    this.listener = new PostgresListener(options, (notice) => this.hear(notice), signal);
    this.sharing = new PostgresSharing(
      store,
      clock,
      this.node,
      this.groups,
      this.tail,
      this.listener,
      this.writer,
      this.reads,
      signal,
    );
    this.listening = this.listener.listen();
    keepTidy(store.db, options, watch, signal);
  }

  /**
   * Opens the database, migrates its tables, and joins the nodes that share it.
   *
   * @param queue the queue by which sub-tasks leave this node
   * @param memory the budget that counts events that wait for their commit
   * @throws {DatabaseError} when the database can't be used
   */
  static async open(
    options: PostgresJournalOptions,
    bus: EventBus,
    queue?: SubTaskQueue,
    memory = new MemoryBudget(),
  ): Promise<PostgresJournal> {
    const store = new PostgresStore(await openDatabase(options));
    await queue?.start();
    const clock = new DatabaseClock();
    await store.setClock(clock);
    const watch = new ClockWatch(await store.newestRun(clock.now() - PROOF_MS), () => clock.now());
    const lastId = await store.lastId();
    const journal = new PostgresJournal(bus, store, queue, clock, watch, lastId, options, memory);
    await journal.node.insert();
    await journal.listener.ready;
    return journal;
  }

  override get obstacle(): Obstacle | undefined {
    return this.sharing.obstacle ?? this.groups.obstacle ?? this.reads.obstacle;
  }

  override now(): number {
    return this.clock.now();
  }

  override append(run: JournaledRun, event: RunEvent, { fenced = false }: AppendOptions = {}): void {
    if (this.sharing.hasLeft) return;
    this.groups.waiting.add(run, event, fenced);
    this.groups.added();
    if (this.groups.failing && this.groups.size > MAX_HELD) void this.sharing.lose();
  }

  override claimKey(key: IdempotencyKey, runId: string): Promise<KeyedRun> {
    return this.keys.claim(key, runId);
  }

  override async committed(runId: string): Promise<void> {
    await this.groups.committed(runId);
    if (!this.groups.failing) await this.tail.catchUp(runId, () => asking(() => this.store.lastId()));
  }

  override async run(id: string): Promise<Readonly<RunRecord> | undefined> {
    await this.groups.committed(id);
    return this.reads.run(id);
  }

  override runs(query: RunQuery): Promise<RunPage> {
    return this.reads.runs(query);
  }

  override get lastEventId(): number {
    return this.tail.lastId;
  }

  override async events(query: EventQuery): Promise<EventPage> {
    const { runId } = query;
    if (runId === undefined) return this.reads.events(query, this.lastEventId);
    await this.groups.committed(runId);
    return this.reads.eventsOfRun(query, runId);
  }

  override saveStatistics(changed: SavedStatistics, kept: Stretch): Promise<void> {
    return this.store.saveStatistics(changed, kept);
  }

  override savedStatistics(): Promise<SavedStatistics | undefined> {
    return asking(() => this.store.savedStatistics(), this.reads.damage);
  }

  override takeBack(runId: string): Promise<void> {
    return asking(() => this.store.takeBack(runId));
  }

  override async erase(id: string): Promise<boolean> {
    const erased = await asking(() => eraseRun(this.store.db, id));
    if (erased) this.bus.erased(id);
    return erased;
  }

  override drain(): Promise<void> {
    return this.groups.drain();
  }

  override async close(): Promise<void> {
    this.closing.abort();
    await this.groups.close();
    this.commitNotices.close();
    await this.sharing.leave();
    await this.writer.close();
    await this.listening;
    await this.queue?.close();
    await this.store.db.destroy();
  }

  private hear(notice: Notice | undefined): void {
    // Missed notices may have been about any run.
    if (!notice || notice[0] === 'erased') this.bus.erased(notice?.[1]);
    if (notice?.[0] !== 'events') this.notices.next(notice);
    else if (notice[1] !== this.node.id) this.tail.hear(notice[2]);
  }
}
