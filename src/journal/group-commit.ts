import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { firstValueFrom, merge, Subject } from 'rxjs';
import type { MemoryBudget } from '../core/memory-budget.js';
import { loggerOf } from '../core/logger-of.js';
import type { CommitGroup } from './commit-group.js';
import type { Commits } from '../run/commits.js';
import type { Obstacle } from '../run/journal.js';
import { RecentTimes } from './recent-times.js';

/** What an event that waits for its commit takes in memory for each character of its JSON: one here, one on its way to the database. */
const BYTES_PER_CHARACTER = 2;

export const UNAVAILABLE: Obstacle = {
  code: 'journal-unavailable',
  message: 'The journal can’t be written; the log says why',
};

/** Between a commit that failed and its next try. */
const RETRY_MS = 250;

/** Where groups are committed. */
export interface GroupLog<Group extends CommitGroup> {
  /** A group to add to, behind another one. */
  begin(before?: Group): Group;
  /** All or nothing; offered again, a group that is there already is left as it is. */
  commit(group: Group): Promise<unknown>;
  /** Called when it is committed. */
  publish(group: Group): void;
  /** Called when a commit has failed, before it is tried again. */
  recover(error: unknown): Promise<void>;
  /** What is wrong, in words that say how to mend it where that is known; undefined when {@link recover} says it. */
  explain(error: unknown): string | undefined;
}

/**
 * Commits events in groups: whatever is added while a commit is under way goes into the next one, so that all the runs
 * in flight share its `fsync`. Publishes a group when it is committed.
 */
export class GroupCommit<Group extends CommitGroup> implements Commits {
  /** How long a stop waits for commits that fail, in milliseconds. */
  static readonly drainMs: number = 5_000;
  /** New runs are refused while a commit takes longer than this, in milliseconds. */
  static readonly slowMs: number = 5_000;
  readonly times = new RecentTimes();
  onCommitted: Commits['onCommitted'] = () => undefined;
  private readonly logger = loggerOf('journal');
  private current: Group;
  private committing: Group | undefined;
  /** When that began, on the clock of `performance.now()`. */
  private committingSince = 0;
  /** The writing that goes on, until nothing waits any more. */
  private writing: Promise<void> | undefined;
  /** Why commits fail. */
  private failure: string | undefined;
  /** How much memory is taken for what waits. */
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

  /** What waits for its commit, in characters of JSON, roughly. */
  get size(): number {
    return this.current.size + (this.committing?.size ?? 0);
  }

  get pending(): number {
    return this.current.count + (this.committing?.count ?? 0);
  }

  get failing(): boolean {
    return this.failure !== undefined;
  }

  /** For how long the commit that is under way has been so, in milliseconds; 0 without one. */
  get lagMs(): number {
    return this.committing ? Math.round(performance.now() - this.committingSince) : 0;
  }

  /** Why new runs are refused at the moment. */
  get obstacle(): Obstacle | undefined {
    const isSlow = this.committing !== undefined && this.lagMs > GroupCommit.slowMs;
    return this.failing || isSlow ? UNAVAILABLE : undefined;
  }

  /** To be called when something was added: it is committed soon. Where nothing was, it shows whether commits fail. */
  added(): void {
    this.writing ??= this.writeAll();
    this.countBytes();
  }

  /**
   * Resolves when all that was added of a run is committed. While commits fail it resolves at once: nobody knows how
   * long readers would wait.
   */
  async committed(runId: string): Promise<void> {
    for (const group of [this.current, this.committing]) {
      if (this.failing || !group?.tellsOf(runId)) continue;
      await firstValueFrom(merge(group.settled, this.failed));
    }
  }

  /** Gives up what waits, that which is being committed too. */
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

  /** Called when `closing` is aborted: ends what is under way, and tries once what waits behind it. */
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
      // A turn's worth at a time: that is fewer commits, and nobody waits longer for it than the turn takes.
      await nextTurn();
      const group = this.current;
      this.committing = group;
      this.committingSince = performance.now();
      this.current = this.log.begin(group);
      if (!(await this.write(group))) break;
      if (this.committing !== group) continue;
      this.committing = undefined;
      // An empty one only shows that others could be committed.
      if (group.count > 0) this.timed(performance.now() - this.committingSince, group.count);
      this.countBytes();
      this.log.publish(group);
      group.settle();
    } while (this.current.count > 0);
    this.writing = undefined;
  }

  /**
   * Tries until it succeeds, or is given up: nothing that was accepted is lost because a disk is full or a thread has
   * died. False when the journal was closed instead.
   */
  private async write(group: Group): Promise<boolean> {
    do {
      try {
        await this.log.commit(group);
        if (this.failure !== undefined) this.logger.log('The journal can be written again');
        this.failure = undefined;
        return true;
      } catch (error) {
        // What was given up fails too, and says nothing of the commits after it.
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
