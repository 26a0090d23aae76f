import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { sql } from 'kysely';
import { Subject } from 'rxjs';
import type { NewEvent } from '../../core/events.js';
import type { EventBus } from '../../events/event-bus.js';
import { DomainError, unknownRun } from '../../core/domain-error.js';
import { runOf } from '../../core/run-record.js';
import type { RunRecord } from '../../core/run-record.js';
import { textOf } from '../../core/thrown.js';
import { eventsOf } from '../event-rows.js';
import { GroupCommit, UNAVAILABLE } from '../group-commit.js';
import { pageOfRows } from '../history-query.js';
import { FencedSubTasks, type SubTaskOfRun } from './fenced-sub-tasks.js';
import { NodeRow } from './node-row.js';
import {
  Journal,
  type EventPage,
  type EventQuery,
  type IdempotencyKey,
  type KeyedRun,
  type Obstacle,
  type RunPage,
  type RunQuery,
  type SavedStatistics,
  type Stretch,
} from '../../run/journal.js';
import { LogTail } from './log-tail.js';
import { openDatabase } from './postgres-database.js';
import type { OpenRun, PostgresGroup } from './postgres-group.js';
import { PostgresListener, type Notice } from './postgres-listener.js';
import { PostgresLog } from './postgres-log.js';
import { PostgresStore } from './postgres-store.js';
import { PostgresWriter } from './postgres-writer.js';
import { deleteOld } from '../retention.js';
import type { PlacedSubTask, RunCommand, Sharing } from '../../run/sharing.js';
import type { SubTaskQueue } from '../../cluster/sub-task-queue.js';

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
  /** Emits when a sub-task of another node's run is not this node's to execute any more. */
  readonly fencedOut = new Subject<SubTaskOfRun>();
  /** How many sub-tasks other nodes could take on. */
  idleSlots = 0;
  private readonly logger = new Logger(PostgresJournal.name);
  private readonly node: NodeRow;
  private readonly closing = new AbortController();
  private readonly tail: LogTail;
  private readonly writer: PostgresWriter;
  private readonly groups: GroupCommit<PostgresGroup>;
  private readonly listener: PostgresListener;
  private readonly listening: Promise<void>;
  /** Runs that take events of this node. */
  private readonly open = new Map<string, OpenRun>();
  private readonly fenced = new FencedSubTasks();
  private joined = true;
  private left = false;
  /** One save after the other: an older one must not come last. */
  private saving: Promise<void> = Promise.resolve();

  private constructor(
    private readonly bus: EventBus,
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
    this.groups = new GroupCommit(
      new PostgresLog(url, this.writer, bus, this.tail, this.node, {
        refused: (event) => {
          this.refused(event);
        },
        lost: () => this.lose(),
      }),
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

  /** The id of this node. It has another one after it was taken for dead. */
  get nodeId(): string {
    return this.node.id;
  }

  override get obstacle(): Obstacle | undefined {
    return this.joined ? this.groups.obstacle : UNAVAILABLE;
  }

  override append(event: NewEvent): Promise<undefined> {
    if (event.type === 'run.started') this.open.set(event.runId, { number: undefined });
    const fenced = 'subTask' in event ? this.fenced.runOf(event) : undefined;
    const run = fenced ?? this.open.get(event.runId);
    if (!run && this.left) throw new DomainError('stopping', 'Another node goes on with the run');
    if (!run) throw new Error(`The run ${event.runId} is not open`);
    if (event.type === 'run.finished') this.open.delete(event.runId);
    const { waiting } = this.groups;
    const guard = this.fenced.guardOf(event, (subTask) => waiting.keep(subTask));
    waiting.add(event, run, guard);
    const committed = this.groups.added();
    if (this.groups.failing && this.groups.size > MAX_HELD) void this.lose();
    return committed;
  }

  place(subTask: PlacedSubTask): void {
    const run = this.fenced.runOf(subTask) ?? this.open.get(subTask.runId);
    if (!run) throw new Error(`The run ${subTask.runId} is not open`);
    if (this.open.has(subTask.runId)) {
      this.bus.share(subTask.runId);
      this.fenced.add(subTask, run);
    } else {
      this.letGo(subTask);
    }
    this.groups.waiting.place(subTask, run);
    void this.groups.added();
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

  /** Takes events of a sub-task that this node executes for whichever follows its run. */
  takeOn(subTask: SubTaskOfRun, number: number): void {
    this.fenced.add(subTask, { number });
  }

  /** This node has nothing to do with a sub-task any more. */
  letGo(subTask: SubTaskOfRun): void {
    this.fenced.delete(subTask);
  }

  /** Goes on with a run of a node that has gone; `placed` are its sub-tasks that left that node. */
  goOnWith(run: Readonly<RunRecord>, placed: readonly string[]): void {
    this.goOn(run);
    if (placed.length > 0) this.bus.share(run.id);
    for (const subTask of placed) this.fenced.add({ runId: run.id, subTask }, { number: run.firstEventId });
  }

  override goOn({ id, firstEventId }: Readonly<RunRecord>): void {
    this.open.set(id, { number: firstEventId });
  }

  override async reopen({ id: runId, task, firstEventId }: Readonly<RunRecord>): Promise<boolean> {
    this.open.set(runId, { number: firstEventId });
    await this.append({ type: 'run.reopened', runId, task, data: {} });
    return this.open.has(runId);
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

  override async releaseKey(key: IdempotencyKey, runId: string): Promise<void> {
    // A claim that stays is this node's, which may claim it again.
    await this.store.releaseKey(key, runId).catch(() => undefined);
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

  override async reaches(eventId: number): Promise<boolean> {
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

  override leads(): Promise<boolean> {
    return this.listener.hold(COUNTING);
  }

  override async *unfinished(): AsyncIterable<never> {
    // Those of nodes that have gone are taken over while the service runs, by whichever node.
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
    this.open.clear();
    this.fenced.clear();
    this.bus.unfollowAll();
    this.groups.giveUp(new DomainError('journal-unavailable', 'The run was not recorded; send it again'));
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
    this.open.clear();
    this.fenced.clear();
    this.bus.unfollowAll();
    await this.node.delete().catch(() => undefined);
  }

  override drain(): Promise<void> {
    return this.groups.drain();
  }

  override async close(): Promise<void> {
    this.closing.abort();
    await this.groups.close();
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

  /** Somebody else has decided what is recorded; the log tells of it. */
  private refused(event: NewEvent): void {
    if (event.type === 'run.reopened') this.open.delete(event.runId);
    if (!('subTask' in event) || this.open.has(event.runId)) return;
    this.fencedOut.next(event);
    this.letGo(event);
  }

  private async readTail(after: number, upTo: number, runs: 'all' | ReadonlySet<string>): Promise<EventPage> {
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
