import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long a stop waits for readers that are behind. */
const CATCH_UP_MS = 1_000;

/** The readers of an instance's events. */
export class Readers {
  private readonly stopped = new AbortController();
  private readonly reads = new Set<Promise<unknown>>();

  /** Aborted when the runs of the instance have stopped: no more events come. */
  get ended(): AbortSignal {
    return this.stopped.signal;
  }

  /** Remembers the read of a page until it is done. */
  async read<T>(page: Promise<T>): Promise<T> {
    this.reads.add(page);
    try {
      return await page;
    } finally {
      this.reads.delete(page);
    }
  }

  /** Ends all readers: no more events come. Resolves when readers that go on at once have read the rest, or after a second. */
  async end(): Promise<void> {
    this.stopped.abort();
    const until = performance.now() + CATCH_UP_MS;
    await nextTurn();
    while (this.reads.size > 0 && performance.now() < until) {
      await Promise.allSettled(this.reads);
      await nextTurn();
    }
  }
}
