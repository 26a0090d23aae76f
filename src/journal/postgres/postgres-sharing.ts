import { Subject } from 'rxjs';
import { loggerOf } from '../../core/logger-of.js';
import type { RunRecord } from '../../core/run-record.js';
import type { IdempotencyKey } from '../../run/idempotency-key.js';
import type { Obstacle } from '../../run/journal.js';
import type { JournaledRun } from '../../run/journaled-run.js';
import type { PlacedSubTask, RunCommand, Sharing } from '../../run/sharing.js';
import { UNAVAILABLE, type GroupCommit } from '../group-commit.js';
import { asking } from './asking.js';
import type { DatabaseClock } from './database-clock.js';
import type { JournalReads } from './journal-reads.js';
import type { LogTail } from './log-tail.js';
import type { NodeRow } from './node-row.js';
import type { PostgresGroup } from './postgres-group.js';
import type { PostgresListener } from './postgres-listener.js';
import { DRAINING } from './postgres-options.js';
import type { PostgresStore } from './postgres-store.js';
import type { PostgresWriter } from './postgres-writer.js';

/** The lock of the node that counts for all. */
const COUNTING = 1;

/** What this node has to do with the others that share the journal in Postgres. */
export class PostgresSharing implements Sharing {
  /** Emits when this node was taken for dead: others go on with its runs, and it begins anew under another id. */
  readonly lost = new Subject<void>();
  /** Whether an operator lets this node take nothing new. */
  draining = false;
  paused: ReadonlySet<string> = new Set();
  /** How many sub-tasks other nodes could take on. */
  idleSlots = 0;
  /** Whether it has left its runs to the others for good. */
  hasLeft = false;
  private readonly logger = loggerOf('node');
  private joined = true;

  /** @param closing aborted when nothing is to be tried again */
  constructor(
    private readonly store: PostgresStore,
    private readonly clock: DatabaseClock,
    private readonly node: NodeRow,
    private readonly groups: GroupCommit<PostgresGroup>,
    private readonly tail: LogTail,
    private readonly listener: PostgresListener,
    private readonly writer: PostgresWriter,
    private readonly reads: JournalReads,
    private readonly closing: AbortSignal,
  ) {}

  get nodeId(): string {
    return this.node.id;
  }

  get clockSkewMs(): number {
    return this.clock.skewMs;
  }

  get commitLagMs(): number {
    return this.groups.lagMs;
  }

  /** Why this node takes no runs, although the database may. */
  get obstacle(): Obstacle | undefined {
    if (this.draining) return DRAINING;
    return this.joined ? undefined : UNAVAILABLE;
  }

  place(run: JournaledRun, subTask: PlacedSubTask): void {
    if (this.hasLeft) return;
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

  command(command: RunCommand): Promise<number | undefined> {
    return asking(() => this.store.command(command));
  }

  withdraw(command: number): Promise<boolean> {
    return asking(() => this.store.withdraw(command));
  }

  withDeadLetters(run: Readonly<RunRecord>): Promise<Readonly<RunRecord>> {
    return this.reads.withDeadLetters(run);
  }

  async releaseKey(key: IdempotencyKey, runId: string): Promise<void> {
    // A claim that stays is this node's, which may claim it again.
    await this.store.releaseKey(key, runId).catch(() => undefined);
  }

  leads(): Promise<boolean> {
    return this.listener.hold(COUNTING);
  }

  async reaches(eventId: number): Promise<boolean> {
    if (eventId > this.tail.lastId) this.tail.hear(await asking(() => this.store.lastId()));
    return eventId <= this.tail.lastId;
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
    if (!this.joined || this.hasLeft) return;
    this.joined = false;
    const before = this.node.renew();
    this.logger.warn(
      'This node was taken for dead, or could not write for long: others go on with its runs, and it begins anew',
    );
    this.tail.clear();
    this.groups.giveUp();
    this.lost.next();
    await this.writer.close();
    this.joined = await this.node.rejoin(before, this.closing);
    if (this.joined) this.logger.log('This node has joined the others again');
  }

  /** Leaves what is unfinished to the other nodes, at once, or to the next one that starts. Takes no events after it. */
  async leave(): Promise<void> {
    this.hasLeft = true;
    this.tail.clear();
    await this.node.leave().catch(() => undefined);
  }
}
