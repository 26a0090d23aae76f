import { DomainError } from '../core/domain-error.js';
import { NEW_RUNS_SHARE, RESUMED_RUNS_SHARE } from '../core/memory-budget.js';
import type { Execution } from './execution.js';
import type { RunTerms } from './run-terms.js';
import { WaitingKeys, type WaitingKey } from './waiting-keys.js';

/** Runs of an earlier process are resumed while fewer runs than this, and fewer than half of the allowed ones, wait for slots. */
const ROOMY_QUEUE = 100;

/** Decides which runs this process still accepts. */
export class Admission {
  /** Whether a stop has begun: from then on runs are refused. */
  stopping = false;
  /** How many runs have a sub-task that waits for a slot. */
  queued = 0;
  /** The runs that wait, by their keys; undefined until a run with a key has waited. */
  private waitingKeys: WaitingKeys | undefined;

  /**
   * @param live the unfinished runs of this process
   * @param maxQueuedRuns how many may have a sub-task that waits for a slot
   */
  constructor(
    private readonly execution: Execution,
    private readonly live: { readonly size: number },
    private readonly maxQueuedRuns: number,
  ) {}

  /** Whether there is memory for runs and sub-tasks that this process has not accepted itself. */
  get hasMemory(): boolean {
    return this.execution.memory.fits(0, RESUMED_RUNS_SHARE);
  }

  /** Whether one more run of an earlier process, or of another node, can be resumed while new runs still find room. */
  get hasRoom(): boolean {
    const roomy = Math.min(ROOMY_QUEUE, this.maxQueuedRuns / 2);
    return this.queued < roomy && (this.live.size === 0 || this.hasMemory);
  }

  /** Whether `inputBytes` more would leave too little memory for the accepted runs. A run that is alone always fits. */
  memoryIsShort(inputBytes = 0): boolean {
    return !this.execution.memory.fits(inputBytes, NEW_RUNS_SHARE) && this.live.size > 0;
  }

  /** The keys of which most runs wait for a slot, at most `limit`. */
  busiestKeys(limit: number): readonly WaitingKey[] {
    return this.waitingKeys?.busiest(limit) ?? [];
  }

  /** Counts that a run of a key begins to wait for slots (1), or waits no longer (-1). */
  changeQueue(by: 1 | -1, key: string | undefined): void {
    this.queued += by;
    if (key !== undefined) (this.waitingKeys ??= new WaitingKeys()).change(key, by);
  }

  /**
   * Refuses a new run that exceeds the bounds of this process.
   *
   * @throws {DomainError} `overloaded` when too many runs wait for slots, in all or of this run's key, or when memory is short;
   * `journal-unavailable` when it can't be written; `stopping` once a stop has begun
   */
  admit({ definition: task, inputBytes, key }: RunTerms): void {
    if (this.stopping) throw new DomainError('stopping', 'The service is stopping and takes no new runs');
    const { journal } = this.execution;
    if (this.memoryIsShort(inputBytes))
      throw new DomainError(
        'overloaded',
        'Unfinished runs and unsent answers take as much memory as is allowed',
      );
    const { obstacle } = journal;
    if (obstacle) throw new DomainError(obstacle.code, obstacle.message);
    if (task && journal.sharing?.paused.has(task.name))
      throw new DomainError(
        'overloaded',
        `The task ${task.name} is paused; frontrunner nodes resume lets it go on`,
      );
    const { queued, maxQueuedRuns, waitingKeys } = this;
    const ofKey = waitingKeys?.count(key, queued) ?? 0;
    const isFull = queued >= maxQueuedRuns;
    // One key alone can fill half of the queue, two a third each: there is room for one more at any time.
    if (!isFull && ofKey < maxQueuedRuns - queued) return;
    if (this.execution.hasFree(task, key)) return;
    throw new DomainError(
      'overloaded',
      isFull
        ? `${queued} runs wait for a free slot, as many as may`
        : `${ofKey} runs ${key === undefined ? 'without a key' : `of the key ${key}`} wait for a free slot; one key may have as many as there is room left for (MAX_QUEUED_RUNS)`,
    );
  }
}
