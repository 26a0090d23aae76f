/**
 * Counts the bytes that inputs, results, unsent answers and streams take in memory together, roughly, so that new work is shed long
 * before the heap is full. Whoever takes bytes gives back the same number.
 */
export class MemoryBudget {
  private usedBytes = 0;

  /** @param limitBytes what all of it may take */
  constructor(readonly limitBytes: number) {}

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
  }
}
