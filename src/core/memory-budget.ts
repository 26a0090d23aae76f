/** Up to this share of the limit new runs are taken: what was accepted needs the rest. */
export const NEW_RUNS_SHARE = 0.5;
/** Up to this share runs of an earlier process are resumed: new ones alone can't keep them waiting. */
export const RESUMED_RUNS_SHARE = 0.6;
/** Past this share, what comes over connections is read only as fast as memory is given back. */
export const READING_SHARE = 0.75;

/** Who reads no more before there is memory for it. */
export interface MemoryWaiter {
  /** How much it waits for. */
  readonly bytes: number;
  /** Called when that is taken for it. */
  memoryTaken(): void;
}

/**
 * Counts the bytes that inputs, results, unsent answers and streams take in memory together, roughly, so that new work is shed long
 * before the heap is full. Whoever takes bytes gives back the same number.
 */
export class MemoryBudget {
  private usedBytes = 0;
  private readonly waiters = new Set<MemoryWaiter>();

  /** @param limitBytes what all of it may take */
  constructor(readonly limitBytes = Infinity) {}

  /** What is taken now. */
  get used(): number {
    return this.usedBytes;
  }

  /** Whether so many more bytes fit into a share of the limit, from 0 to 1. */
  fits(bytes: number, share = 1): boolean {
    return this.usedBytes + bytes <= this.limitBytes * share;
  }

  take(bytes: number): void {
    this.usedBytes += bytes;
  }

  give(bytes: number): void {
    this.usedBytes -= bytes;
    if (this.waiters.size > 0) this.serve();
  }

  /** Takes what a reader waits for as soon as that fits into {@link READING_SHARE}; first come, first served. */
  wait(waiter: MemoryWaiter): void {
    this.waiters.add(waiter);
  }

  /** Ends a wait. What was taken for it stays taken. */
  leave(waiter: MemoryWaiter): void {
    this.waiters.delete(waiter);
  }

  private serve(): void {
    for (const waiter of this.waiters) {
      if (!this.fits(waiter.bytes, READING_SHARE)) return;
      this.waiters.delete(waiter);
      this.take(waiter.bytes);
      waiter.memoryTaken();
    }
  }
}
