/** New runs are accepted up to this share of the limit. Runs that were accepted need the rest. */
export const NEW_RUNS_SHARE = 0.5;
/** Runs of an earlier process are resumed up to this share. It is larger, so that new runs alone can't keep them waiting. */
export const RESUMED_RUNS_SHARE = 0.6;
/** Past this share, connections are read only as fast as memory is given back. */
export const READING_SHARE = 0.75;

/** A reader that stops until there is memory for what it reads. */
export interface MemoryWaiter {
  /** Number of bytes that the reader waits for. */
  readonly bytes: number;
  /** Called when the bytes were taken for the reader. */
  memoryTaken(): void;
}

/**
 * Counts roughly how many bytes inputs, results, unsent answers and streams take in memory together, so that new work is refused long
 * before the heap is full. Code that takes bytes gives back the same number.
 */
export class MemoryBudget {
  private usedBytes = 0;
  private readonly waiters = new Set<MemoryWaiter>();

  /** @param limitBytes how many bytes all of these may take. Default: no limit */
  constructor(readonly limitBytes = Infinity) {}

  /** Number of bytes that are taken now. */
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

  /** Takes the bytes for a reader once they fit into {@link READING_SHARE}, when bytes are given back. First come, first served. */
  wait(waiter: MemoryWaiter): void {
    this.waiters.add(waiter);
  }

  /** Ends a wait. Bytes that were taken for the waiter stay taken. */
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
