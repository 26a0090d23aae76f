import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { firstValueFrom, merge, Subject } from 'rxjs';
import type { MemoryBudget } from '../core/memory-budget.js';
import { loggerOf } from '../core/logger-of.js';
import type { CommitGroup } from './commit-group.js';
import type { Commits } from '../run/commits.js';
import type { Obstacle } from '../run/journal.js';
import { RecentTimes } from './recent-times.js';

/** Memory for each character of an event that waits for its commit: one byte here, and one on the way to the database. */
const BYTES_PER_CHARACTER = 2;

export const UNAVAILABLE: Obstacle = {
  code: 'journal-unavailable',
  message: 'The journal can’t be written; the log says why',
};

/** Pause between a failed commit and the next try, in milliseconds. */
const RETRY_MS = 250;

/** A log that commits events in groups. */
export interface GroupLog<Group extends CommitGroup> {
  /** Makes an empty group, to be committed after `before`. */
  begin(before?: Group): Group;
  /** Commits all of the group or nothing. A group that is already committed is left as it is when it is offered again. */
  commit(group: Group): Promise<unknown>;
  /** Called when the group is committed. */
  publish(group: Group): void;
  /** Called after a failed commit, before the next try. */
  recover(error: unknown): Promise<void>;
  /** Explains the failure, with a mend where one is known; undefined when {@link recover} reports the failure itself. */
  explain(error: unknown): string | undefined;
}

/**
 * Commits events in groups. Events that are added while a commit is under way go into the next group, so all runs in flight share its
 * `fsync`. Publishes each group after its commit.
 */
export class GroupCommit<Group extends CommitGroup> implements Commits {
  /** Longest time that a stop waits for pending commits, in milliseconds. */
  static readonly drainMs: number = 5_000;
  /** New runs are refused while a commit takes longer than this, in milliseconds. */
  static readonly slowMs: number = 5_000;
  readonly times = new RecentTimes();
  onCommitted: Commits['onCommitted'] = () => undefined;
  private readonly logger = loggerOf('journal');
  private current: Group;
  private committing: Group | undefined;
  /** When the commit under way began, on the clock of `performance.now()`. */
  private committingSince = 0;
  /** Pending until all groups are written; undefined when nothing is being written. */
  private writing: Promise<void> | undefined;
  /** Why the last commit failed; undefined while commits succeed. */
  private failure: string | undefined;
  /** Bytes of the memory budget that waiting events take. */
  private takenBytes = 0;
  /** Emits when a commit has failed. */
  private readonly failed = new Subject<void>();

  /** @param closing aborted when nothing is to be tried again */
  constructor(
    private readonly log: GroupLog<Group>,
    private readonly closing: AbortSignal,
    private readonly memory: MemoryBudget,
  ) {
    this.current = log.begin();
  }

  /** The group that is added to. */
  get waiting(): Group {
    return this.current;
  }

  /** Approximate size of all events that wait for their commit, in characters of JSON. */
  get size(): number {
    return this.current.size + (this.committing?.size ?? 0);
  }

  get pending(): number {
    return this.current.count + (this.committing?.count ?? 0);
  }

  get failing(): boolean {
    return this.failure !== undefined;
  }

  /** Age of the commit under way, in milliseconds; 0 without one. */
  get lagMs(): number {
    return this.committing ? Math.round(performance.now() - this.committingSince) : 0;
  }

  /** Why new runs are refused at the moment; undefined when they aren't. */
  get obstacle(): Obstacle | undefined {
    const isSlow = this.committing !== undefined && this.lagMs > GroupCommit.slowMs;
    return this.failing || isSlow ? UNAVAILABLE : undefined;
  }

  /** Starts a commit soon. To be called after something was added. With nothing added, the commit shows whether commits fail. */
  added(): void {
    this.writing ??= this.writeAll();
    this.countBytes();
  }

  /**
   * Resolves when all events that were added for a run are committed. Resolves at once while commits fail, because nobody knows how long
   * readers would wait.
   */
  async committed(runId: string): Promise<void> {
    for (const group of [this.current, this.committing]) {
      if (this.failing || !group?.tellsOf(runId)) continue;
      await firstValueFrom(merge(group.settled, this.failed));
    }
  }

  /** Gives up all waiting events, including those of the commit under way. */
  giveUp(): void {
    const groups = [this.committing, this.current];
    this.committing = undefined;
    this.current = this.log.begin();
    this.failure = undefined;
    this.countBytes();
    for (const group of groups) group?.settle();
  }

  async drain(): Promise<void> {
    const { drainMs } = GroupCommit;
    const patience = new AbortController();
    const patienceEnds = delay(drainMs, undefined, { signal: patience.signal }).catch(() => undefined);
    const until = performance.now() + drainMs;
    while (this.writing && performance.now() < until) await Promise.race([this.writing, patienceEnds]);
    patience.abort();
  }

  /** Called when `closing` is aborted. Ends the commit under way, and tries once to commit what waits behind it. */
  async close(): Promise<void> {
    this.failed.next();
    await this.writing;
    if (this.pending > 0)
      this.logger.error(`Stopped before ${this.pending} events were written: ${String(this.failure)}`);
  }

  private countBytes(): void {
    const bytes = this.size * BYTES_PER_CHARACTER;
    if (bytes > this.takenBytes) this.memory.take(bytes - this.takenBytes);
    else this.memory.give(this.takenBytes - bytes);
    this.takenBytes = bytes;
  }

  private async writeAll(): Promise<void> {
    do {
      // Collects events for one turn of the event loop. This makes fewer commits, and delays an event by at most that turn.
      await nextTurn();
      const group = this.current;
      this.committing = group;
      this.committingSince = performance.now();
      this.current = this.log.begin(group);
      if (!(await this.write(group))) break;
      if (this.committing !== group) continue;
      this.committing = undefined;
      // An empty group only tests whether commits succeed.
      if (group.count > 0) this.timed(performance.now() - this.committingSince, group.count);
      this.countBytes();
      this.log.publish(group);
      group.settle();
    } while (this.current.count > 0);
    this.writing = undefined;
  }

  /**
   * Tries until the commit succeeds or the group is given up: no accepted event is lost because a disk is full or a thread has died.
   * False when the journal was closed instead.
   */
  private async write(group: Group): Promise<boolean> {
    do {
      try {
        await this.log.commit(group);
        if (this.failure !== undefined) this.logger.log('The journal can be written again');
        this.failure = undefined;
        return true;
      } catch (error) {
        // The commit of a group that was given up fails too, which says nothing about later commits.
        if (this.committing === group) await this.afterFailure(error);
      }
      if (this.committing !== group) return true;
    } while (!this.isClosed());
    return false;
  }

  private async afterFailure(error: unknown): Promise<void> {
    const message = this.log.explain(error);
    if (message !== undefined && this.failure !== message && !this.isClosed())
      this.logger.error(`The journal can’t be written, and takes no new runs: ${message}`);
    this.failure = message ?? this.failure;
    this.failed.next();
    await this.log.recover(error);
    if (!this.failing) return;
    await delay(RETRY_MS, undefined, { signal: this.closing }).catch(() => undefined);
  }

  private timed(tookMs: number, events: number): void {
    this.times.add(tookMs);
    this.onCommitted(tookMs, events);
  }

  private isClosed(): boolean {
    return this.closing.aborted;
  }
}
