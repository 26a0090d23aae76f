import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { firstValueFrom, merge, Subject } from 'rxjs';
import type { EventBus } from '../events/event-bus.js';
import { textOf } from '../tasks/thrown.js';
import { databaseError } from './database-error.js';
import { GroupOfEvents } from './event-rows.js';
import type { SqliteThread } from './sqlite-thread.js';

/** Between a commit that failed and its next try. */
const RETRY_MS = 250;
/** How long a stop waits for commits that fail. */
const DRAIN_MS = 5_000;

/**
 * Commits events in groups: whatever is added while a commit is under way goes into the next one, so that all the runs
 * in flight share its `fsync`. Publishes a group when it is committed.
 */
export class GroupCommit {
  private readonly logger = new Logger('Journal');
  private waiting: GroupOfEvents;
  private committing: GroupOfEvents | undefined;
  /** The last event that is committed. */
  lastId: number;
  /** The writing that goes on, until nothing waits any more. */
  private writing: Promise<void> | undefined;
  /** Why commits fail. */
  private failure: string | undefined;
  /** Emits when a commit has failed. */
  private readonly failed = new Subject<void>();

  /**
   * @param path names the database in what is logged
   * @param lastId the last event that is committed already
   * @param closing aborted when nothing is to be tried again
   */
  constructor(
    private readonly thread: SqliteThread,
    private readonly bus: EventBus,
    private readonly path: string,
    lastId: number,
    private readonly closing: AbortSignal,
  ) {
    this.lastId = lastId;
    this.waiting = new GroupOfEvents(lastId + 1);
  }

  get nextId(): number {
    return this.waiting.nextId;
  }

  /** What waits for its commit, in characters of JSON, roughly. */
  get size(): number {
    return this.waiting.size + (this.committing?.size ?? 0);
  }

  get failing(): boolean {
    return this.failure !== undefined;
  }

  /** Resolves when the event is committed. For its parameters see `GroupOfEvents.add`. */
  add(...event: Parameters<GroupOfEvents['add']>): Promise<undefined> {
    this.waiting.add(...event);
    const { committed } = this.waiting;
    this.writing ??= this.writeAll();
    return committed;
  }

  /**
   * Resolves when all that was added of a run is committed. While commits fail it resolves at once: nobody knows how
   * long readers would wait.
   */
  async committed(runId: string): Promise<void> {
    for (const group of [this.waiting, this.committing])
      if (!this.failing && group?.tellsOf(runId)) await firstValueFrom(merge(group.committed, this.failed));
  }

  async drain(): Promise<void> {
    const patience = new AbortController();
    const patienceEnds = delay(DRAIN_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    const until = performance.now() + DRAIN_MS;
    while (this.writing && performance.now() < until) await Promise.race([this.writing, patienceEnds]);
    patience.abort();
  }

  /** Called when `closing` is aborted: ends what is under way, and tries once what waits behind it. */
  async close(): Promise<void> {
    this.failed.next();
    await this.writing;
    const left = this.waiting.events.length + (this.committing?.events.length ?? 0);
    if (left > 0) this.logger.error(`Stopped before ${left} events were written: ${String(this.failure)}`);
  }

  private async writeAll(): Promise<void> {
    while (this.waiting.events.length > 0) {
      // A turn's worth at a time: that is fewer commits, and nobody waits longer for it than the turn takes.
      await nextTurn();
      const group = this.waiting;
      this.committing = group;
      this.waiting = new GroupOfEvents(group.nextId);
      if (!(await this.write(group))) break;
      this.committing = undefined;
      this.lastId = group.rows.lastId;
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
    do {
      try {
        await this.thread.call('commit', rows);
        if (this.failure !== undefined) this.logger.log('The journal can be written again');
        this.failure = undefined;
        return true;
      } catch (error) {
        await this.afterFailure(error);
      }
    } while (!this.isClosed());
    return false;
  }

  private async afterFailure(error: unknown): Promise<void> {
    const message = textOf(databaseError(this.path, error));
    if (this.failure !== message && !this.isClosed())
      this.logger.error(`The journal can’t be written, and takes no new runs: ${message}`);
    this.failure = message;
    this.failed.next();
    // A new connection knows what has become of the commit, whatever the old one made of it.
    await this.thread.kill();
    await delay(RETRY_MS, undefined, { signal: this.closing }).catch(() => undefined);
  }

  private isClosed(): boolean {
    return this.closing.aborted;
  }
}
