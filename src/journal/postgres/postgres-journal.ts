import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { sql } from 'kysely';
import { Subject } from 'rxjs';
import type { RunEvent } from '../../core/events.js';
import type { EventBus } from '../../events/event-bus.js';
import { DomainError, unknownRun } from '../../core/domain-error.js';
import { runOf } from '../../core/run-record.js';
import type { RunRecord } from '../../core/run-record.js';
import { textOf } from '../../core/thrown.js';
import { eventsOf } from '../event-rows.js';
import { GroupCommit, UNAVAILABLE } from '../group-commit.js';
import { pageOfRows } from '../history-query.js';
import { NodeRow } from './node-row.js';
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
import { CommitNotices } from './commit-notices.js';
import { LogTail } from './log-tail.js';
import { openDatabase } from './postgres-database.js';
import type { PostgresGroup } from './postgres-group.js';
import { PostgresListener, type Notice } from './postgres-listener.js';
import { PostgresLog } from './postgres-log.js';
import { PostgresStore } from './postgres-store.js';
import { PostgresWriter } from './postgres-writer.js';
import { deleteOld } from '../retention.js';
import type { PlacedSubTask, RunCommand, Sharing } from '../../run/sharing.js';
import type { SubTaskQueue } from './sub-task-queue.js';

/** A node that waits with more than this, while commits fail, gives its runs up to the others. */
const MAX_HELD = 256 * 2 ** 20;
/** Between a registration that failed and its next try. */
const RETRY_MS = 250;
/** How often, and how long, a second request with a key asks whether the first has started its run at another node. */
const KEY_POLL_MS = 25;
const KEY_WAIT_MS = 15_000;
/** The lock of the node that counts for all. */
const COUNTING = 1;

export type Role = 'all' | 'api' | 'worker';

export interface PostgresJournalOptions {
  readonly url: string;
  readonly role: Role;
  /** How long finished runs are kept, in milliseconds; 0 for ever. */
  readonly retentionMs: number;
  /** How long idempotency keys are kept, in milliseconds. */
  readonly keyRetentionMs: number;
}

/** A node's part in the journal that nodes share in Postgres: it commits in groups, and tails what the others commit. */
export class PostgresJournal extends Journal implements Sharing {
  override readonly durable = true;
  override readonly sharing = this;
  /** What other nodes tell; undefined when some of that may have been missed. */
  readonly notices = new Subject<Notice | undefined>();
  /** Emits when this node was taken for dead: others go on with its runs, and it begins anew under another id. */
  readonly lost = new Subject<void>();
  /** How many sub-tasks other nodes could take on. */
  idleSlots = 0;
  private readonly logger = new Logger(PostgresJournal.name);
  private readonly node: NodeRow;
  private readonly closing = new AbortController();
  private readonly tail: LogTail;
  private readonly writer: PostgresWriter;
  private readonly groups: GroupCommit<PostgresGroup>;
  private readonly listener: PostgresListener;
  private readonly commitNotices: CommitNotices;
  private readonly listening: Promise<void>;
  private joined = true;
  private left = false;
  /** One save after the other: an older one must not come last. */
  private saving: Promise<void> = Promise.resolve();

  private constructor(
    bus: EventBus,
    readonly store: PostgresStore,
    readonly queue: SubTaskQueue | undefined,
    lastId: number,
    private readonly options: PostgresJournalOptions,
  ) {
    super();
    const { url, retentionMs, keyRetentionMs } = options;
    const { signal } = this.closing;
    this.node = new NodeRow(store.db, options.role);
    this.tail = new LogTail(bus, (...stretch) => this.readTail(...stretch), lastId);
    this.writer = new PostgresWriter(url, queue);
    this.commitNotices = new CommitNotices((id) => this.listener.tell(this.nodeId, id));
    this.groups = new GroupCommit(
      new PostgresLog(url, this.writer, bus, this.tail, this.commitNotices, this.node, () => this.lose()),
      signal,
    );
    this.listener = new PostgresListener(url, (notice) => this.hear(notice), signal);
    this.listening = this.listener.listen();
    if (retentionMs > 0) void deleteOld((...old) => store.deleteFinished(...old), retentionMs, signal);
    void deleteOld((...old) => store.deleteKeys(...old), keyRetentionMs, signal);
  }

  /**
   * Opens the database, brings its tables up to date, and joins the nodes that share it.
   *
   * @param queue by which sub-tasks leave this node
   * @throws {DatabaseError} when it can't be used
   */
  static async open(
    options: PostgresJournalOptions,
    bus: EventBus,
    queue?: SubTaskQueue,
  ): Promise<PostgresJournal> {
    const store = new PostgresStore(await openDatabase(options.url));
    await queue?.start();
    const journal = new PostgresJournal(bus, store, queue, await store.lastId(), options);
    await journal.node.insert();
    await journal.listener.ready;
    return journal;
  }

  /** Of the database. */
  get url(): string {
    return this.options.url;
  }

  /** The id of this node. It has another one after it was taken for dead. */
  get nodeId(): string {
    return this.node.id;
  }

  override get obstacle(): Obstacle | undefined {
    return this.joined ? this.groups.obstacle : UNAVAILABLE;
  }

  override append(run: JournaledRun, event: RunEvent, { fenced = false }: AppendOptions = {}): void {
    if (this.left) return;
    this.groups.waiting.add(run, event, fenced);
    this.groups.added();
    if (this.groups.failing && this.groups.size > MAX_HELD) void this.lose();
  }

  place(run: JournaledRun, subTask: PlacedSubTask): void {
    if (this.left) return;
    if (!run.shared) this.share(run);
    this.groups.waiting.place(run, subTask);
    this.groups.added();
  }

  /** Tells a run in the order of the log, from now on, what this node and others commit of it. */
  share(run: JournaledRun): void {
    run.shared = true;
    this.tail.follow(run);
  }

  takeIdleSlot(): boolean {
    if (this.idleSlots <= 0) return false;
    this.idleSlots -= 1;
    return true;
  }

  async command({ runId, kind, subTask }: RunCommand): Promise<void> {
    await this.asking(async () => {
      await sql`
        WITH asked AS (
          INSERT INTO frontrunner.commands (run, kind, sub_task)
          SELECT number, ${kind}, ${subTask ?? null} FROM frontrunner.runs WHERE id = ${runId} RETURNING run)
        SELECT pg_notify('frontrunner', json_build_array('command', runs.node)::text)
        FROM asked JOIN frontrunner.runs ON runs.number = asked.run`.execute(this.store.db);
    });
  }

  override async claimKey(key: IdempotencyKey, runId: string): Promise<KeyedRun> {
    const until = performance.now() + KEY_WAIT_MS;
    for (;;) {
      const after = Date.now() - this.options.keyRetentionMs;
      const { nodeId } = this;
      const keyed = await this.asking(() => this.store.claimKey(key, runId, nodeId, after));
      // The claim of a node that was taken for dead meanwhile is void, and another node may have the key by now.
      if (keyed.runId === runId && nodeId !== this.nodeId) continue;
      if (keyed.isStarted || keyed.runId === runId) return keyed;
      if (performance.now() > until || this.closing.signal.aborted)
        throw new DomainError('journal-unavailable', 'Another node is about to start the run of this key');
      await delay(KEY_POLL_MS, undefined, { signal: this.closing.signal }).catch(() => undefined);
    }
  }

  async releaseKey(key: IdempotencyKey, runId: string): Promise<void> {
    // A claim that stays is this node's, which may claim it again.
    await this.store.releaseKey(key, runId).catch(() => undefined);
  }

  override committed(runId: string): Promise<void> {
    return this.groups.committed(runId);
  }

  override async run(id: string): Promise<Readonly<RunRecord> | undefined> {
    await this.groups.committed(id);
    if (id.includes('\0')) return undefined;
    const rows = await this.asking(() => this.store.eventsOfRuns([id]));
    return rows.length > 0 ? runOf(eventsOf(rows)) : undefined;
  }

  override async runs(query: RunQuery): Promise<RunPage> {
    const rows = await this.asking(() => this.store.runs({ ...query, task: storable(query.task) }));
    return pageOfRows(rows, query.limit);
  }

  override get lastEventId(): number {
    return this.tail.lastId;
  }

  async reaches(eventId: number): Promise<boolean> {
    if (eventId > this.lastEventId) this.tail.hear(await this.asking(() => this.store.lastId()));
    return eventId <= this.lastEventId;
  }

  override async events(query: EventQuery): Promise<EventPage> {
    const { runId, task } = query;
    if (runId !== undefined) await this.groups.committed(runId);
    const asked = { ...query, runId: storable(runId), task: storable(task) };
    // A run is shown with all that is committed, as everywhere; the log of all runs as far as it was told of.
    const upTo = runId === undefined ? this.lastEventId : await this.asking(() => this.store.lastId());
    const page = await this.asking(() => this.store.events(asked, upTo));
    if (!page) throw unknownRun(runId);
    return { events: eventsOf(page.rows), next: page.next };
  }

  override saveStatistics(changed: SavedStatistics, kept: Stretch): Promise<void> {
    const save = () => this.store.saveStatistics(changed, kept);
    return (this.saving = this.saving.then(save, save));
  }

  override savedStatistics(): Promise<SavedStatistics | undefined> {
    return this.asking(() => this.store.savedStatistics());
  }

  leads(): Promise<boolean> {
    return this.listener.hold(COUNTING);
  }

  /** Keeps what is committed of runs that this node is about to take over. */
  expect(runIds: readonly string[]): void {
    for (const runId of runIds) this.tail.expect(runId);
  }

  /** Undoes {@link expect} for those that it didn't take over, or that no other node commits events of. */
  expectNoMore(runIds: readonly string[]): void {
    for (const runId of runIds) this.tail.forget(runId);
  }

  /** Everything up to here is committed, by whichever node. */
  knows(lastId: number): void {
    this.tail.hear(lastId);
  }

  /** Gives up all that isn't committed: others go on with the runs of this node, which joins them again as a new one. */
  async lose(): Promise<void> {
    if (!this.joined || this.left) return;
    this.joined = false;
    const before = this.node.renew();
    this.logger.warn(
      'This node was taken for dead, or could not write for long: others go on with its runs, and it begins anew',
    );
    this.tail.clear();
    this.groups.giveUp();
    this.lost.next();
    await this.writer.close();
    while (!this.joined && !this.closing.signal.aborted) {
      try {
        await this.node.delete(before);
        await this.node.insert();
        this.joined = true;
        this.logger.log('This node has joined the others again');
      } catch {
        await delay(RETRY_MS, undefined, { signal: this.closing.signal }).catch(() => undefined);
      }
    }
  }

  /** Leaves what is unfinished to the other nodes, at once, or to the next one that starts. Takes no events after it. */
  async leave(): Promise<void> {
    this.left = true;
    this.tail.clear();
    await this.node.delete().catch(() => undefined);
  }

  override drain(): Promise<void> {
    return this.groups.drain();
  }

  override async close(): Promise<void> {
    this.closing.abort();
    await this.groups.close();
    this.commitNotices.close();
    await this.leave();
    await this.writer.close();
    await this.listening;
    await this.queue?.close();
    await this.store.db.destroy();
  }

  private hear(notice: Notice | undefined): void {
    if (notice?.[0] !== 'events') this.notices.next(notice);
    else if (notice[1] !== this.nodeId) this.tail.hear(notice[2]);
  }

  private async readTail(after: number, upTo: number, runs: 'all' | readonly string[]): Promise<EventPage> {
    const { rows, next } = await this.store.tail(after, upTo, runs);
    return { events: eventsOf(rows), next };
  }

  /** @throws {DomainError} `journal-unavailable` */
  private async asking<T>(what: () => Promise<T>): Promise<T> {
    try {
      return await what();
    } catch (error) {
      throw new DomainError('journal-unavailable', `The journal can’t be read: ${textOf(error)}`);
    }
  }
}

/** A text as Postgres can hold it: NUL it can't, and nothing that is stored has one. */
function storable<T extends string | undefined>(text: T): T {
  return text?.replaceAll('\0', '\uFFFD') as T;
}
